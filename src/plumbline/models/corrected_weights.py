"""Corrected weights: a transformers model of which some tensors were changed.

The base stays as it is. The corrected model shares every tensor with it but the changed ones, so that
both can be asked side by side for little more memory than the changes take.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from plumbline.core.answers import Answers
from plumbline.core.errors import AbilityError, BadInput, StoreError
from plumbline.core.questions import Batch
from plumbline.models import corrected_files
from plumbline.models.abilities import Adapter, Cost, Opened, Rows
from plumbline.models.safetensors_header import read_safetensors_header

if TYPE_CHECKING:
    import torch

    from plumbline.models.hf_adapter import HfAdapter


class CorrectedWeights:
    """A transformers model after some of its tensors were changed; it can all that its base can.

    Args:
        base: An adapter of a transformers model, or another `CorrectedWeights`.
        tensors: Changed parameters by name, whole, in the shape and precision of the model's own.
        method: Id and version of the correction, `anchor_edit@1`.
        params: What it was made with, JSON-able.

    Raises:
        AbilityError: The base is no transformers model.
        BadInput: A name or a shape that the model does not have.
    """

    kind: ClassVar[str] = "weights"
    remote = False

    def __init__(
        self,
        base: Adapter,
        tensors: Mapping[str, torch.Tensor],
        method: str,
        params: Mapping[str, Any],
    ) -> None:
        self.base, self.tensors = base, dict(sorted(tensors.items()))
        self.method, self.params = method, dict(params)
        self.name = f"{base.name} after {method}"
        data = (part for name, t in self.tensors.items() for part in (name.encode(), _bytes(t)))
        self.fingerprint = corrected_files.fingerprint(base, method, params, data)
        self.after = _changed(_inner(base), self.tensors, self.name, self.fingerprint)
        self.abilities = self.after.abilities

    def about(self) -> dict[str, Any]:
        """The base's facts and the correction's."""
        return {
            **self.after.about(), "corrected_by": self.method, "correction": self.params,
            "changed_tensors": list(self.tensors),
        }  # fmt: skip

    def partition(self, batch: Batch) -> list[Rows]:
        """As the base."""
        return self.after.partition(batch)

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """Answers of the changed model."""
        return self.after.answer(batch)

    def cost(self, batch: Batch) -> Cost:
        """As the base."""
        return self.after.cost(batch)

    def opened(self) -> Opened:
        """The changed module (ability `open`)."""
        return self.after.opened()

    def close(self) -> None:
        """Let go of both models."""
        self.after.close()
        self.base.close()

    def save(self, folder: Path, *, base_spec: str, base_options: Mapping[str, Any]) -> None:
        """Write the changed tensors; `corrected:FOLDER` opens the model again.

        Args:
            folder: Made if it is not there.
            base_spec: MODEL form of the base; it is opened again from it.
            base_options: The base's options.

        Raises:
            StoreError: The folder cannot be written.
        """
        from safetensors.torch import save_file

        try:
            folder.mkdir(parents=True, exist_ok=True)
            whole = {name: t.detach().cpu().contiguous() for name, t in self.tensors.items()}
            save_file(whole, str(folder / corrected_files.WEIGHTS))
        except OSError as error:
            raise StoreError(f"could not write the corrected model {folder}: {error}") from error
        corrected_files.write_record(
            folder, self, self.kind, base_spec=base_spec, base_options=base_options
        )

    @classmethod
    def read(cls, folder: Path, base: Adapter, record: Mapping[str, Any]) -> CorrectedWeights:
        """The correction in a folder, put on its base again."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        read_safetensors_header(folder / corrected_files.WEIGHTS)
        try:
            tensors = load_file(str(folder / corrected_files.WEIGHTS))
        except (OSError, SafetensorError) as error:
            raise BadInput(f"{folder / corrected_files.WEIGHTS} cannot be read: {error}") from error
        return cls(base, tensors, record["method"], record["params"])


def _inner(base: Adapter) -> HfAdapter:
    from plumbline.models.hf_adapter import HfAdapter

    if isinstance(base, CorrectedWeights):
        return base.after
    if not isinstance(base, HfAdapter):
        raise AbilityError(
            f"{base.name}: weights can be changed in transformers models only (hf:PATH, demo), and "
            "in corrected ones of these"
        )
    return base


def _changed(
    base: HfAdapter, tensors: Mapping[str, torch.Tensor], name: str, fingerprint: str
) -> HfAdapter:
    """An adapter of a copy that shares all but these tensors with the base."""
    import torch

    from plumbline.models.hf_open import adapter_of

    hf = base.hf
    own = dict(hf.module.named_parameters(remove_duplicate=False))
    for key, tensor in tensors.items():
        if key not in own or own[key].shape != tensor.shape:
            raise BadInput(f"{base.name} has no parameter {key} of shape {tuple(tensor.shape)}")
    # Where weights are tied, one parameter has two names: both get the new tensor.
    new = {
        id(own[key]): torch.nn.Parameter(
            t.to(device=own[key].device, dtype=own[key].dtype), requires_grad=False
        )
        for key, t in tensors.items()
    }
    kept = [*hf.module.parameters(), *hf.module.buffers()]
    memo: dict[int, Any] = {id(t): new.get(id(t), t) for t in kept}
    module = copy.deepcopy(hf.module, memo)
    changed = replace(
        hf, name=name, model=module, fingerprint=fingerprint, counters={}, alone={}, wide=None
    )
    return adapter_of(changed)


def _bytes(tensor: torch.Tensor) -> bytes:
    import torch

    data: bytes = tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
    return data
