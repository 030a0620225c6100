# scpd in a container: no root, a read-only root file system, one volume. Build and run:
#
#   docker build --tag scpd .
#   docker run --read-only --volume scpd:/var/lib/scpd --publish 104:11112 scpd
#
# BASE is any Debian 12 or later with apt. Pin it by digest for a build that can be repeated.
ARG BASE=debian:bookworm-slim

# -- what builds --------------------------------------------------------------------------------------------
FROM ${BASE} AS build
ARG UV_VERSION=0.13.9
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
 && python3 -m venv /tools \
 && /tools/bin/pip install --no-cache-dir uv==${UV_VERSION}
WORKDIR /src
ENV UV_PROJECT_ENVIRONMENT=/opt/scpd UV_PYTHON=/usr/bin/python3 UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy \
    UV_NO_CACHE=1 UV_SYSTEM_CERTS=1
COPY pyproject.toml uv.lock ./
RUN /tools/bin/uv sync --locked --no-dev --no-install-project
COPY . .
RUN /tools/bin/uv sync --locked --no-dev --no-editable --compile-bytecode

# -- what runs ----------------------------------------------------------------------------------------------
FROM ${BASE}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 scpd \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/scpd --shell /usr/sbin/nologin scpd \
 && install --directory /etc/scpd/conf.d \
 && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/scpd
COPY --from=build /opt/scpd /opt/scpd
COPY config/container.toml /etc/scpd/scpd.toml
ENV PATH=/opt/scpd/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
VOLUME /var/lib/scpd
EXPOSE 11112
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["scpd", "echo", "127.0.0.1:11112"]
ENTRYPOINT ["scpd"]
CMD ["serve"]
