"""Builds the compiled gates with the package, where there is a C compiler; without one the same is done in numpy."""

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
FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared")


class GatesHook(BuildHookInterface[Any]):
    """``gates.c`` becomes ``_gates.so`` beside it, for wheels and editable installations alike."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the platform in the wheel if that went well."""
        del version
        source, library = (Path(self.root) / FOLDER / name for name in ("gates.c", "_gates.so"))
        library.unlink(missing_ok=True)
        compiler = shlex.split(os.environ.get("CC", "cc"))
        if sys.platform == "win32" or shutil.which(compiler[0]) is None:
            self.app.display_warning("no C compiler: redaction is slower")
            return
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        made = subprocess.run(  # noqa: S603 - the compiler that builds everything else here
            [*compiler, *FLAGS, f'-DSOURCE="{digest}"', "-o", str(library), str(source)], capture_output=True, text=True, check=False
        )
        if made.returncode:
            self.app.display_warning(f"gates.c was not compiled, redaction is slower:\n{made.stderr}")
            return
        name = str(FOLDER / "_gates.so")
        build_data["artifacts"].append(name)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
