"""Builds the compiled parts of redaction with the package, where there is a C compiler; without one the same is done in Python."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("collector/redaction")
SOURCES = ("gates.c", "joined.c", "borders.c", "clusters.c", "check_digits.c", "check_digits.h", "hits.c", "rough_numbers.c")
LIBRARY = "_compiled.so"
FLAGS = ["-std=c11", "-O3", "-fPIC", "-shared"]
if sys.platform == "darwin":
    FLAGS += ["-undefined", "dynamic_lookup"]  # of the interpreter's functions


class CompiledHook(BuildHookInterface[Any]):
    """The sources become ``_compiled.so`` beside them, for wheels and editable installations alike."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the platform in the wheel if that went well."""
        del version
        folder = Path(self.root) / FOLDER
        sources, library = [folder / name for name in SOURCES], folder / LIBRARY
        library.unlink(missing_ok=True)
        compiler = shlex.split(os.environ.get("CC", "cc"))
        if sys.platform == "win32" or shutil.which(compiler[0]) is None:
            self.app.display_warning("no C compiler: redaction is slower")
            return
        digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
        made = subprocess.run(  # noqa: S603 - the compiler that builds everything else here
            [*compiler, *FLAGS, f'-DSOURCE="{digest}"', "-o", str(library), *[str(source) for source in sources if source.suffix == ".c"]],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            self.app.display_warning(f"{', '.join(SOURCES)} not compiled, redaction is slower:\n{made.stderr}")
            return
        build_data["artifacts"].append(str(FOLDER / LIBRARY))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
