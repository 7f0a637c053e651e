"""All captures, in the order they are made."""

from . import (
    scene_demo,
    scenes_forms,
    scenes_http,
    scenes_libraries,
    scenes_networks,
    scenes_openssl,
    scenes_tls,
    scenes_wss,
)

SCENES = (
    *scene_demo.SCENES,
    *scenes_libraries.SCENES,
    *scenes_networks.SCENES,
    *scenes_tls.SCENES,
    *scenes_openssl.SCENES,
    *scenes_wss.SCENES,
    *scenes_forms.SCENES,
    *scenes_http.SCENES,
)
