#!/bin/sh
# Fills in the templates and starts nginx as the official image's entrypoint would, as far as compose.yaml relies on it.
set -eu
# shellcheck disable=SC2016,SC2046
defined=$(printf '${%s} ' $(env | cut -d= -f1))
for template in /etc/nginx/templates/*.template; do
    envsubst "$defined" <"$template" >"$NGINX_ENVSUBST_OUTPUT_DIR/$(basename "$template" .template)"
done
exec nginx -p /etc/nginx -c /etc/nginx/nginx.conf -g 'daemon off;'
