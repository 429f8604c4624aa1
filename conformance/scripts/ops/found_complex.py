"""Complex numbers with infinite and NaN parts, in packets and in what fills none at the end of a tensor."""

import itertools

import numpy as np
from calls import c64, c128, found

PARTS = (0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan)
PLANE = np.array([complex(a, b) for a in PARTS for b in PARTS])
UNARY = ("Exp", "Inv", "Reciprocal", "Rsqrt", "Sign", "Sqrt", "Square")
BINARY = ("Mul", "Div", "RealDiv", "DivNoNan", "MulNoNan", "SquaredDifference", "Xdivy", "Xlogy", "Xlog1py")
for dtype in (c64, c128):
    plane = PLANE.astype(dtype)
    for name in UNARY:
        for numbers in (plane, plane[::-1], *(plane[i : i + 3] for i in range(0, 48, 3) if dtype is c64), *(plane[i : i + 1] for i in range(49) if dtype is c128)):
            found(name, [numbers], tolerance="eps 16")
    for name in BINARY:
        pairs = list(itertools.product(range(len(plane)), repeat=2))
        left, right = (plane[[p[i] for p in pairs[::13]]] for i in (0, 1))
        found(name, [left, right], tolerance="eps 16")
        found(name, [left[5], right], tolerance="eps 16")
        for i in range(0, len(left) - 1, 4):
            some = slice(i, i + (3 if dtype is c64 else 1))
            found(name, [left[some], right[some]], tolerance="eps 16")
