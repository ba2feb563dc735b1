"""List what is in an image, as CycloneDX JSON: Debian's packages, Python's and Node's. Run by the image's own Python.

In: this system's package databases. Out: a software bill of materials on standard output, stable byte for byte.
It needs the standard library alone: `podman run --rm -i --entrypoint python IMAGE - < image/package_list.py`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

NODE_FOLDER = Path("/opt/proxy/node_modules")
DEBIAN_FORMAT = "${binary:Package}\\t${Version}\\t${Architecture}\\n"


def debian() -> list[dict[str, str]]:
    """Return the packages that dpkg knows. Raises CalledProcessError where dpkg cannot say."""
    listing = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={DEBIAN_FORMAT}"], capture_output=True, text=True, check=True
    ).stdout
    found = []
    for line in listing.splitlines():
        name, version, architecture = line.split("\t")
        name = name.partition(":")[0]
        found.append(component(name, version, f"pkg:deb/debian/{name}@{version}?arch={architecture}"))
    return found


def python() -> list[dict[str, str]]:
    """Return the distributions of the Python that runs this."""
    found = []
    for distribution in distributions():
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        found.append(component(name, distribution.version, f"pkg:pypi/{name}@{distribution.version}"))
    return found


def node() -> list[dict[str, str]]:
    """Return the packages of the hub's proxy, those within packages too."""
    found = []
    for path in NODE_FOLDER.rglob("package.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        name, version = manifest.get("name"), manifest.get("version")
        # folders inside a package hold a package.json of a line or two, which names nothing
        if name and version and path.parent.as_posix().endswith("node_modules/" + name):
            found.append(component(name, version, f"pkg:npm/{name.replace('@', '%40')}@{version}"))
    return found


def component(name: str, version: str, purl: str) -> dict[str, str]:
    """Return one entry of CycloneDX's `components`."""
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def main() -> int:
    """Print the bill."""
    entries = {entry["purl"]: entry for entry in [*debian(), *python(), *node()]}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "components": [entries[purl] for purl in sorted(entries)],
    }
    json.dump(bill, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
