"""What `import lossbook` loads, what it offers, and that the losses are built from scratch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lossbook
from lossbook import LossInputError

PACKAGE = Path(lossbook.__file__).parent
FAMILIES = [p for p in (PACKAGE / "losses").glob("*.py") if p.stem != "__init__"]


def test_import_loads_torch_and_ourselves_alone():
    code = """
        import sys
        import torch
        before = set(sys.modules)
        import lossbook
        print(*sorted(set(sys.modules) - before))
    """
    code = "\n".join(line.strip() for line in code.splitlines())
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [
        "lossbook",
        "lossbook.errors",
        "lossbook.information",
        "lossbook.losses",
        *sorted(f"lossbook.losses.{path.stem}" for path in FAMILIES),
        "lossbook.simplex",
        "lossbook.tables",
    ]


def test_tools_are_modules_that_load_when_named():
    assert lossbook.verify is sys.modules["lossbook.verify"]
    assert {"derive", "environment", "explore", "verify"} <= set(dir(lossbook))
    with pytest.raises(AttributeError, match="module 'lossbook' has no attribute 'entropie'"):
        lossbook.entropie  # noqa: B018


def test_names_that_would_clash_stay_in_their_module():
    assert lossbook.information.information is not lossbook.information
    assert "cross_entropy" not in vars(lossbook) or lossbook.cross_entropy is not (
        lossbook.information.cross_entropy
    )
    for name in lossbook.__all__:
        assert getattr(lossbook, name).__doc__


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, IndexError])
def test_error_is_caught_where_torch_errors_are(kind):
    with pytest.raises(kind, match="why"):
        raise LossInputError("why")


# From scratch: every attribute, on whatever object, is one of these names. So there is no way to a
# ready-made function by another path, for none of its names is on the list.
NAMES = """
    exp log log1p expm1 sqrt abs neg sign floor where clamp mul sub div reciprocal min max minimum
    maximum fmax aminmax amin amax argmax argmin sum mean cumsum all any matmul einsum T mT diagonal
    triu tril sort topk nonzero
    exp_ log1p_ neg_ add_ sub_ mul_ div_ reciprocal_ addmm addmm_ addcmul addcmul_
    pi e inf nan movedim transpose permute flatten unflatten reshape view expand expand_as
    broadcast_tensors squeeze unsqueeze gather scatter scatter_ index_select narrow split
    chunk unbind stack cat roll flip isfinite isnan isinf

    Tensor tensor zeros ones full arange zeros_like ones_like full_like empty_like new_zeros
    new_empty new_ones scatter_add
    dtype device shape ndim dim size numel item tolist to float bool long detach clone
    requires_grad requires_grad_ is_floating_point is_complex promote_types finfo eps
    float16 bfloat16 float32 float64 int64 uint8 no_grad enable_grad grad
    autograd Function apply save_for_backward saved_tensors needs_input_grad is_grad_enabled
    get_num_threads rule over
    NamedTuple __name__ join append items keys values repeat warn
"""
ALLOWED = set(NAMES.split())
MODULES = {"math", "itertools", "warnings", "torch", "typing", "collections.abc"}
OWN = ("lossbook.errors", "lossbook.simplex", "lossbook.tables", "lossbook.losses")
BACK_DOORS = {
    *("getattr", "setattr", "vars", "globals", "locals", "eval", "exec", "compile", "open"),
    *("__import__", "__builtins__", "__loader__"),
}


def not_from_scratch(source):
    """List what in `source` is more than elementary operations."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name not in MODULES]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            own = node.level or module.startswith(OWN)
            for alias in node.names:
                known = own or (module in MODULES and alias.name in ALLOWED)
                if not known or alias.name == "*":
                    found.append(f"{module}.{alias.name}")
        elif isinstance(node, ast.Attribute) and node.attr not in ALLOWED:
            found.append(f".{node.attr}")
        elif isinstance(node, ast.MatchClass):
            found += [f".{name}" for name in node.kwd_attrs if name not in ALLOWED]
        elif isinstance(node, ast.Name) and node.id in BACK_DOORS:
            found.append(node.id)
    return found


SOURCES = [
    PACKAGE / "information.py",
    PACKAGE / "simplex.py",
    PACKAGE / "tables.py",
    PACKAGE / "errors.py",
    *sorted((PACKAGE / "losses").glob("**/*.py")),
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_from_scratch(path):
    assert not_from_scratch(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn.functional as F",
        "import torch.nn.functional",
        "from torch.nn import functional",
        "from torch.nn.functional import softmax as exp",
        "from torch import *",
        "from torch import softmax",
        "from torch import nn",
        "from torch.special import xlogy",
        "import scipy.special",
        "import numpy as np",
        "import importlib",
        "from operator import methodcaller",
        "from lossbook.verify import agrees",
        "y = F.softmax(x, -1)",
        "y = torch.nn.functional.softmax(x, -1)",
        "y = torch.special.xlogy(x, x)",
        "y = torch.xlogy(x, x)",
        "y = torch.ops.aten.softmax(x)",
        "y = torch._C._nn.cross_entropy_loss(x, y)",
        "y = x.logsumexp(-1)",
        "y = x.norm()",
        "y = x.sigmoid()",
        "y = (x - y).square().sum().dist(z)",
        "y = torch.cdist(x, y)",
        "y = torch.linalg.vector_norm(x)",
        "y = torch.Tensor.softmax(x, -1)",
        "t = torch\ny = t.special.entr(x)",
        "y = list(map(torch.Tensor.logsumexp, x))",
        "y = getattr(torch, 'soft' + 'max')(x)",
        "g = getattr",
        "y = torch.__dict__['softmax'](x)",
        "y = vars(torch)['softmax'](x)",
        "y = torch.__getattribute__('softmax')(x)",
        "y = eval('torch.softmax')(x)",
        "f = __import__('torch').softmax",
        "y = F.l1_loss(x, y)",
        "y = torch.nn.L1Loss()(x, y)",
        "y = torch.ops.aten.mse_loss(x, y)",
        "y = torch.huber_loss(x, y)",
        "y = (x - y).sigmoid_()",
        "match x:\n    case torch.Tensor(softmax=f):\n        f(-1)",
        "y = math.lgamma(3)",
        "from math import lgamma",
        "from typing import get_type_hints",
        "from lossbook.losses import *",
        "from warnings import sys",
        "y = x.exp().softmax_(-1)",
        "y = x.log_softmax(-1)",
        "y = torch.logaddexp(x, y)",
        "@torch.compile\ndef f(x): ...",
    ],
)
def test_from_scratch_sees(source):
    assert not_from_scratch(source)


@pytest.mark.parametrize(
    "source",
    [
        "import math\nimport torch\nfrom torch import Tensor",
        "from lossbook.errors import LossInputError\nfrom .reduction import reduce",
        "m = x.amax(-1, keepdim=True)\ny = m + (x - m).exp().sum(-1, keepdim=True).log()",
        "y = torch.where(x > 0, x, 0) @ w.T",
        "class F(torch.autograd.Function):\n    pass",
        '"""softmax(x) and torch.special.xlogy in words."""  # F.softmax',
    ],
)
def test_from_scratch_allows(source):
    assert not_from_scratch(source) == []
