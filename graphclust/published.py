"""Parameters that papers print for their data sets: `experiments/published/<method>_<set>.toml`."""

import tomllib
from typing import Any

from graphclust.graph.files import shared_folder
from graphclust.params import unknown


def published_params(method: str, name: str) -> dict[str, Any]:
    """The parameters of the first run of `<method>_<name>.toml`.

    Raises:
        ValueError: no such file; the sentence names those that there are.
    """
    folder = shared_folder("published", "*.toml")
    files = sorted(folder.glob(f"{method}_*.toml")) if folder else []
    known = {path.stem.removeprefix(f"{method}_"): path for path in files}
    if name not in known:
        raise ValueError(unknown(f"preset of {method}", name, known))
    params: dict[str, Any] = tomllib.loads(known[name].read_text("utf-8"))["run"][0]["params"]
    return params
