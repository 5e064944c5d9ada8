#!/usr/bin/env python3
"""Checks which crates are part of each library's public API.

A type of another crate in a signature ties our releases to its. Each library lists the crates for which that
is meant, in its Cargo.toml under [package.metadata] as `public-dependencies`. The compiler's own description
of the documented API says which there are; its format is unstable, so a new compiler may need changes here.
"""

import json
import os
import subprocess
import sys

LIBRARIES = {
    "childminder": "core",
    "childminder-driver": "adapters/driver",
    "childminder-unix": "adapters/unix",
    "childminder-terminal": "adapters/terminal",
    "childminder-mio": "adapters/mio",
    "childminder-tokio": "adapters/tokio",
    "childminder-record": "adapters/record",
    "childminder-sim": "adapters/sim",
}
STANDARD = {"core", "alloc", "std"}
TARGET = "target/rustdoc-json"


def main():
    metadata = json.loads(subprocess.check_output(["cargo", "metadata", "--no-deps", "--format-version=1"]))
    packages = {package["name"]: package for package in metadata["packages"]}
    wrong = False
    for name in LIBRARIES:
        listed = set((packages[name]["metadata"] or {}).get("public-dependencies", []))
        found = public_crates(describe(name))
        for crate in sorted(found - listed):
            print(f"{name}: {crate} is in the public API, and is not listed as a public dependency")
        for crate in sorted(listed - found):
            print(f"{name}: {crate} is listed as a public dependency, and is not in the public API")
        wrong |= found != listed
        print(f"{name}: {', '.join(sorted(found)) or 'the standard library alone'}")
    sys.exit(wrong)


def describe(name):
    environment = os.environ | {"RUSTC_BOOTSTRAP": "1", "CARGO_TARGET_DIR": TARGET}
    command = ["cargo", "rustdoc", "--quiet", "--locked", "--lib", "--all-features", "--package", name]
    flags = ["--", "-Zunstable-options", "--output-format=json"]
    subprocess.run(command + flags, env=environment, check=True)
    with open(f"{TARGET}/doc/{name.replace('-', '_')}.json", encoding="utf-8") as file:
        return json.load(file)


def public_crates(api):
    """The names, as they stand in a Cargo.toml, of all other crates that a signature mentions."""
    ids = set()
    for item in api["index"].values():
        if item["crate_id"] == 0 and not is_generated(item["inner"]):
            ids.update(mentioned(item["inner"]))
    crates = {api["paths"][str(id)]["crate_id"] for id in ids if str(id) in api["paths"]}
    names = {api["external_crates"][str(crate)]["name"] for crate in crates if crate != 0}
    return {name.replace("_", "-") for name in names - STANDARD}


def is_generated(inner):
    """Whether it is an implementation that nobody wrote: `Send`, or one for every type."""
    written = inner.get("impl", {})
    return written.get("is_synthetic", False) or written.get("blanket_impl") is not None


def mentioned(part):
    """The ids of the types and traits in a piece of an item's description."""
    if isinstance(part, list):
        for piece in part:
            yield from mentioned(piece)
    elif isinstance(part, dict):
        if "id" in part and ("path" in part or "source" in part):
            yield part["id"]
        for key, piece in part.items():
            if key != "items":
                yield from mentioned(piece)


if __name__ == "__main__":
    main()
