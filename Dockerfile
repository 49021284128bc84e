# The worker and every other `hxi` command, without the embedded servers and the development tools.
#
# Behind a proxy that opens TLS, give pip the proxy's certificates as a build secret; they are in no layer:
#   docker build --secret id=pip-ca,src=/path/to/ca.pem --tag hxi:0.1.0 .
# `docker compose up --build` finds the steps in the cache afterwards, secrets not being part of what it goes by.
# npm takes the same certificates. An index of your own is the secret `pip-conf`, a pip.conf, and for npm `npmrc`.
# HTTPS_PROXY and NO_PROXY are build arguments that Docker knows and keeps out of the image. The secrets need BuildKit,
# which has been the default since Docker 23.

ARG BASE_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:24-slim

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/hxi
WORKDIR /src

# Dependencies first, as a project without code: a change to the code does not fetch them anew.
COPY pyproject.toml README.md constraints.txt ./
RUN --mount=type=secret,id=pip-ca --mount=type=secret,id=pip-conf,target=/etc/pip.conf \
    if [ -f /run/secrets/pip-ca ]; then export PIP_CERT=/run/secrets/pip-ca; fi; \
    pip --python /opt/hxi/bin/python install --constraint constraints.txt .

COPY schema schema
COPY pipeline pipeline
COPY agents agents
RUN --mount=type=secret,id=pip-ca --mount=type=secret,id=pip-conf,target=/etc/pip.conf \
    if [ -f /run/secrets/pip-ca ]; then export PIP_CERT=/run/secrets/pip-ca; fi; \
    pip --python /opt/hxi/bin/python install --no-deps --force-reinstall . && \
    find /opt/hxi -type d -name tests -prune -exec rm -r {} +  # numpy's are a seventh of it

# rrweb's player, which the pages of `hxi replay` are made with. No more of Node.js gets into the image.
FROM ${NODE_IMAGE} AS player
WORKDIR /player
COPY agents/replay_page/package.json agents/replay_page/package-lock.json ./
RUN --mount=type=secret,id=pip-ca --mount=type=secret,id=npmrc,target=/root/.npmrc \
    if [ -f /run/secrets/pip-ca ]; then export npm_config_cafile=/run/secrets/pip-ca; fi; \
    npm ci --ignore-scripts --no-audit --no-fund

FROM ${BASE_IMAGE}
# A fixed number, so that a volume's owner or Kubernetes' runAsUser can name it.
RUN groupadd --gid 10001 hxi && useradd --uid 10001 --gid hxi --no-create-home --home-dir /tmp hxi
COPY --from=build /opt/hxi /opt/hxi
COPY --from=player \
    /player/node_modules/rrweb-player/dist/rrweb-player.umd.min.cjs /player/node_modules/rrweb-player/dist/style.min.css \
    /opt/hxi/share/hxi/replay_page/node_modules/rrweb-player/dist/
# /tmp is all that is written to: with `--read-only --tmpfs /tmp` nothing else can be. What is there may be lost at any
# time. The web server answers other containers; nothing publishes its port by itself.
ENV PATH=/opt/hxi/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HXI_DATA_DIR=/tmp \
    HXI_WEB_HOST=0.0.0.0
USER hxi
WORKDIR /tmp
EXPOSE 6066
# Alive, not ready: a worker that waits for its servers at the start must not be replaced for that. Never through a proxy.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "import os, urllib.request as web; web.build_opener(web.ProxyHandler({})).open(f\"http://127.0.0.1:{os.environ.get('HXI_WEB_PORT') or 6066}/livez\", timeout=4)"]
ENTRYPOINT ["hxi"]
CMD ["worker"]
