#!/bin/sh
# One image, two trades: `hub` is JupyterHub with the course's configuration, `server` one person's server;
# `start` (the default) is a server where a hub started this container, else a hub. Anything else is run as it stands.
set -eu

# A locale handed in by the spawner need not be one of this image's; Python and the shells must not trip over it.
if [ -n "$(locale 2>&1 >/dev/null)" ]; then
  unset LC_ALL LC_CTYPE
  export LANG=C.UTF-8
fi

trade="${1:-start}"
[ "$#" -eq 0 ] || shift
if [ "$trade" = start ]; then
  # the hub names a person for a server, and none for a service
  if [ -n "${JUPYTERHUB_USER:-}" ]; then trade=server; else trade=hub; fi
fi

case "$trade" in
  hub)
    # its database and cookie secret are made here, at run time; no image holds any
    state="${SAITEN_HUB_STATE:-/srv/jupyterhub}"
    if [ ! -w "$state" ]; then
      echo "A hub keeps its state in $state, which uid $(id -u) cannot write: start it as the user saiten" >&2
      echo "(docker run --user saiten ...), with that folder its own, or name another folder: SAITEN_HUB_STATE." >&2
      exit 2
    fi
    cd "$state"
    # an init may have had SIGINT ignored, and a hub that ignores it takes half a minute to stop
    exec env --default-signal=INT,QUIT jupyterhub --config /etc/jupyterhub/jupyterhub_config.py "$@"
    ;;
  server)
    exec jupyterhub-singleuser "$@"
    ;;
  *)
    exec "$trade" "$@"
    ;;
esac
