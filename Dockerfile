# Yingda in a container. The image contains aioimaplib, so whoever distributes it distributes it
# as a whole under the GPL; see NOTICE.

FROM node:22-bookworm-slim AS console
WORKDIR /src
COPY gateway/console/package.json gateway/console/package-lock.json gateway/console/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY gateway/console/ ./
RUN npm run build

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/yingda
WORKDIR /src
COPY constraints.txt ./
RUN /opt/yingda/bin/pip install --require-hashes -r constraints.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY intents/ intents/
COPY bot/ bot/
COPY channels/ channels/
COPY gateway/ gateway/
COPY --from=console /src/dist/ gateway/console/dist/
RUN /opt/yingda/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 yingda \
 && useradd --uid 10001 --gid yingda --home-dir /data --shell /usr/sbin/nologin yingda \
 && install --directory --owner=yingda --group=yingda --mode=0750 /data
COPY --from=build /opt/yingda /opt/yingda
ENV PATH=/opt/yingda/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    YINGDA_DATA_DIR=/data \
    YINGDA_HOST=0.0.0.0 \
    YINGDA_LOG_JSON=true
USER yingda
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=180s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["yingda"]
CMD ["serve"]
