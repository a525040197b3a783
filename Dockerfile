# The server as an image. Build: `docker build -t colloquy .`; both stages stand on the same Python.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
# The base image's pip fills the venv, so that none is left in it.
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt /
RUN python -m pip --python /opt/venv/bin/python install --require-hashes --only-binary=:all: -r /requirements.txt

WORKDIR /app
COPY config.py gunicorn.conf.py starts.py wsgi.py ./
COPY migrations migrations
COPY app app
# Readable by every user, whatever the umask of whoever cloned the sources; compiled, as the server may not write here.
RUN chmod -R a+rX . && python -m compileall -q .


FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Colloquy" \
      org.opencontainers.image.description="A self-hosted REST server between applications and Claude"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
# The id is fixed and given as a number: who mounts a volume must know it, and Kubernetes checks it with runAsNonRoot.
RUN groupadd --gid 10001 colloquy \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /app --shell /usr/sbin/nologin colloquy \
    && install --directory --owner=colloquy --group=colloquy /app/instance
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /app /app

USER 10001:10001
VOLUME /app/instance
EXPOSE 8000
# http.client and not urllib: a proxy set for the container must not be asked for its own loopback.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; probe = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); probe.request('GET', '/livez'); sys.exit(probe.getresponse().status != 200)"]
CMD ["flask", "serve"]
