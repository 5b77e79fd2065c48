#!/usr/bin/env python3
"""Random programs, each evaluated straight from its own tree by the rules of docs/semantics.md and compared
with what `kairo render` writes: nothing of the program's front end or engine is shared.

usage: tests/reference/meaning.py KAIRO FIRST COUNT   or   meaning.py KAIRO show SEED
"""
import concurrent.futures
import hashlib
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
from fractions import Fraction

import numpy

numpy.seterr(all="ignore")  # this thread
sys.setrecursionlimit(100000)
threading.stack_size(512 << 20)

F32, F64 = numpy.float32, numpy.float64
INTS = {"i32": (32, True), "u32": (32, False), "i64": (64, True), "u64": (64, False)}
REALS = ("f32", "f64")
DURATION = Fraction(30, 1000)


class Reject(Exception):
    """The program has no meaning (a constant division by zero, an overflow …)."""


def round_to(x, bits, least):
    """An exact fraction rounded once to nearest even with `bits` bits and exponents from `least`."""
    if x == 0:
        return Fraction(0)
    e = max(abs(x).numerator.bit_length() - x.denominator.bit_length() - bits - 2, least)
    while abs(x) >= Fraction(2) ** (bits + e):
        e += 1
    while e > least and abs(x) < Fraction(2) ** (bits - 1 + e):
        e -= 1
    return Fraction(round(x / Fraction(2) ** e)) * Fraction(2) ** e


def real_of(x, kind):  # of an exact fraction
    if kind == "f32":
        return F32(float(round_to(x, 24, -149)))
    return F64(float(x)) if abs(x) < Fraction(2) ** 1023 else F64(float(round_to(x, 53, -1074)))


def wrap(x, kind):
    bits, signed = INTS[kind]
    x &= (1 << bits) - 1
    return x - (1 << bits) if signed and x >> (bits - 1) else x


def convert(x, have, want):
    if have == want:
        return x
    if have in INTS:
        return real_of(Fraction(x), want) if want in REALS else wrap(x, want)
    if want in REALS:
        return F32(x) if want == "f32" else F64(x)
    if math.isnan(x):
        return 0
    bits, signed = INTS[want]
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if math.isinf(x):
        return high if x > 0 else low
    return max(low, min(high, int(float(x))))


# ---- constants: ("c", Fraction or None, float, typed or None)

def fits(x):
    return abs(x.numerator) < 2**63 and x.denominator < 2**63


class Const:
    def __init__(self, ratio=None, value=None):
        self.ratio = ratio
        self.value = float(ratio) if ratio is not None else value
        if self.value != self.value or math.isinf(self.value):
            raise Reject("constant")
        if self.value == 0:
            self.value = 0.0


def exact_or_float(x):
    return Const(x) if fits(x) else Const(None, float(x))


def fold(op, a, b):
    if op in "/%" and b.value == 0:
        raise Reject("zero")
    if a.ratio is not None and b.ratio is not None:
        x, y = a.ratio, b.ratio
        r = {"+": lambda: x + y, "-": lambda: x - y, "*": lambda: x * y, "/": lambda: x / y,
             "%": lambda: x - y * ((x / y).__floor__())}[op]()
        return exact_or_float(r)
    x, y = a.value, b.value
    return Const(None, {"+": lambda: x + y, "-": lambda: x - y, "*": lambda: x * y, "/": lambda: x / y,
                        "%": lambda: x - y * math.floor(x / y)}[op]())


def const_as(c, kind):
    if kind in REALS:
        if c.ratio is not None:
            x = real_of(c.ratio, kind)
        else:
            x = F32(c.value) if kind == "f32" else F64(c.value)
        return x if x != 0 else abs(x)
    if c.ratio is not None:
        bits, signed = INTS[kind]
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        whole = abs(c.ratio.numerator) // c.ratio.denominator
        return max(low, min(high, -whole if c.ratio < 0 else whole))
    return convert(F64(c.value), "f64", kind)


# ---- scalar functions

def floor_keep(x):
    y = type(x)(numpy.floor(x))
    return type(x)(numpy.copysign(y, x)) if y == 0 else y


def ceil_keep(x):
    y = type(x)(numpy.ceil(x))
    return type(x)(numpy.copysign(y, x)) if y == 0 else y


def round_keep(x):
    if not math.isfinite(x):
        return x
    t = numpy.trunc(x)
    if abs(x - t) >= type(x)(0.5):  # exact: x - t is exact
        t = t + numpy.copysign(type(x)(1), x)
    return type(x)(numpy.copysign(t, x)) if t == 0 else type(x)(t)


def least(a, b):
    if isinstance(a, int):
        return min(a, b)
    if math.isnan(a) or math.isnan(b):
        return type(a)("nan")
    if a == b == 0:
        return a if numpy.signbit(a) else b
    return a if a < b else b


def most(a, b):
    if isinstance(a, int):
        return max(a, b)
    if math.isnan(a) or math.isnan(b):
        return type(a)("nan")
    if a == b == 0:
        return b if numpy.signbit(a) else a
    return a if a > b else b


def ordered_sum(values, zero):
    total = [zero] * 16
    for chunk in range(0, len(values), 128):
        column = [zero] * 16
        for i, x in enumerate(values[chunk:chunk + 128]):
            column[i % 16] = column[i % 16] + x
        total = [a + b for a, b in zip(total, column)]
    for half in (8, 4, 2, 1):
        for k in range(half):
            total[k] = total[k] + total[k + half]
    return total[0]


# ---- expressions

class Ctx:
    """Where an expression stands: its flow, the real type it computes in, bound names."""

    def __init__(self, flow, real, names=None):
        self.flow, self.real, self.names = flow, real, names or {}


def join(a, b, ctx, left, right, whole=True):
    """The type two operands meet in; a type of None is a constant."""
    own = [k for k in (a, b) if k is not None]
    if not whole or not own or any(k in REALS for k in own):
        return ctx.real
    wide = max(own, key=lambda k: INTS[k][0])
    if len(own) == 2 and INTS[own[0]][1] != INTS[own[1]][1]:
        raise Reject("signed with unsigned")
    bits, signed = INTS[wide]
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, min((1 << bits) - 1, 2**63 - 1))
    for k, e in ((a, left), (b, right)):
        if k is None:
            c = e.const(ctx)
            if c.ratio is None or c.ratio.denominator != 1 or not low <= c.ratio <= high:
                return ctx.real
    return wide


def remember(method):
    """Types and constants depend on the real type computed in and on the bound names only."""
    def call(self, ctx):
        key = (method, ctx.real if ctx else None, id(ctx.names) if ctx and ctx.names else 0)
        memo = self.__dict__.setdefault("memory", {})
        if key not in memo:
            memo[key] = (method(self, ctx), ctx)
        return memo[key][0]
    return call


class Expr:
    def __init_subclass__(cls):
        for name in ("type", "const"):
            if name in cls.__dict__:
                setattr(cls, name, remember(cls.__dict__[name]))

    def const(self, ctx):  # Const, bool or None
        return None

    def get(self, ctx, t, kind):
        """Value in `kind`."""
        c = self.const(ctx)
        if c is not None:
            return c if kind == "bool" else const_as(c, kind)
        return convert(self.value(ctx, t), self.type(ctx), kind)


class Number(Expr):
    def __init__(self, text):
        self.text = text
        self.c = exact_or_float(Fraction(text))

    def show(self): return self.text if self.text[0] != "-" else f"({self.text})"
    def type(self, ctx): return None
    def const(self, ctx): return self.c


class Name(Expr):  # a let, fn parameter …: (type, value(t)) or an expression in its own context
    def __init__(self, name): self.name = name
    def show(self): return self.name

    def bound(self, ctx):
        return ctx.names.get(self.name) or ctx.flow.lets[self.name]

    def const(self, ctx):
        b = self.bound(ctx)
        return b.constant()

    def type(self, ctx):
        return self.bound(ctx).type()

    def value(self, ctx, t):
        return self.bound(ctx).at(t)


class Prim(Expr):
    def __init__(self, text, kind, f): self.text, self.kind, self.f = text, kind, f
    def show(self): return self.text
    def type(self, ctx): return self.kind or ctx.real
    def value(self, ctx, t): return self.f(ctx, t)


class Binary(Expr):
    def __init__(self, op, a, b): self.op, self.a, self.b = op, a, b
    def show(self): return f"({self.a.show()} {self.op} {self.b.show()})"

    def const(self, ctx):
        x, y = self.a.const(ctx), self.b.const(ctx)
        return fold(self.op, x, y) if x is not None and y is not None else None

    def type(self, ctx):
        if self.const(ctx) is not None:
            return None
        return join(self.a.type(ctx), self.b.type(ctx), ctx, self.a, self.b, self.op != "/")

    def value(self, ctx, t):
        kind = self.type(ctx)
        x, y = self.a.get(ctx, t, kind), self.b.get(ctx, t, kind)
        if kind in INTS:
            r = x + y if self.op == "+" else x - y if self.op == "-" else x * y if self.op == "*" else x % y
            return wrap(r, kind)
        if self.op == "%":
            return x - y * floor_keep(x / y)
        return x + y if self.op == "+" else x - y if self.op == "-" else x * y if self.op == "*" else x / y


class Div(Expr):
    def __init__(self, a, b): self.a, self.b = a, b
    def show(self): return f"div({self.a.show()}, {self.b.show()})"

    def const(self, ctx):
        x, y = self.a.const(ctx), self.b.const(ctx)
        if x is None or y is None:
            return None
        if y.value == 0:
            raise Reject("zero")
        if x.ratio is None or y.ratio is None:
            return Const(None, float(math.floor(x.value / y.value)))
        return exact_or_float(Fraction((x.ratio / y.ratio).__floor__()))

    def type(self, ctx):
        if self.const(ctx) is not None:
            return None
        return join(self.a.type(ctx), self.b.type(ctx), ctx, self.a, self.b)

    def value(self, ctx, t):
        kind = self.type(ctx)
        x, y = self.a.get(ctx, t, kind), self.b.get(ctx, t, kind)
        return wrap(x // y, kind) if kind in INTS else floor_keep(x / y)


class Neg(Expr):
    def __init__(self, a): self.a = a
    def show(self): return f"(-{self.a.show()})"

    def const(self, ctx):
        c = self.a.const(ctx)
        return None if c is None else fold("-", Const(Fraction(0)), c)

    def type(self, ctx):
        kind = self.a.type(ctx)
        return ctx.real if kind in REALS else kind

    def value(self, ctx, t):
        kind = self.type(ctx)
        x = self.a.get(ctx, t, kind)
        return wrap(-x, kind) if kind in INTS else -x


class Call(Expr):  # min max abs floor ceil round sqrt fract
    def __init__(self, name, *args): self.name, self.args = name, args
    def show(self): return f"{self.name}({', '.join(a.show() for a in self.args)})"

    def const(self, ctx):
        c = [a.const(ctx) for a in self.args]
        if any(x is None for x in c):
            return None
        exact = all(x.ratio is not None for x in c)
        if self.name == "sqrt":
            return Const(None, float(numpy.sqrt(F64(c[0].value))))
        if self.name == "fract":
            return Const(None, c[0].value - math.floor(c[0].value))
        if not exact:
            x = [F64(v.value) for v in c]
            return Const(None, float(self.compute(x)))
        r = [x.ratio for x in c]
        if self.name in ("min", "max"):
            return Const((min if self.name == "min" else max)(r))
        if self.name == "abs":
            return Const(abs(r[0]))
        x = r[0]
        if self.name == "floor":
            return Const(Fraction(math.floor(x)))
        if self.name == "ceil":
            return Const(Fraction(math.ceil(x)))
        whole = math.floor(abs(x) + Fraction(1, 2))
        return Const(Fraction(whole if x > 0 else -whole))

    def compute(self, x):
        n = self.name
        if n == "min": return least(*x)
        if n == "max": return most(*x)
        if isinstance(x[0], int): return abs(x[0])
        if n == "abs": return abs(x[0])
        if n == "floor": return floor_keep(x[0])
        if n == "ceil": return ceil_keep(x[0])
        if n == "round": return round_keep(x[0])
        if n == "sqrt": return numpy.sqrt(x[0])
        return x[0] - floor_keep(x[0])

    def type(self, ctx):
        if self.const(ctx) is not None:
            return None
        if self.name in ("min", "max"):
            return join(self.args[0].type(ctx), self.args[1].type(ctx), ctx, *self.args)
        kind = self.args[0].type(ctx)
        return kind if self.name == "abs" and kind in INTS else ctx.real

    def value(self, ctx, t):
        kind = self.type(ctx)
        r = self.compute([a.get(ctx, t, kind) for a in self.args])
        return wrap(r, kind) if kind in INTS else r


class Compare(Expr):
    def __init__(self, op, a, b): self.op, self.a, self.b = op, a, b
    def show(self): return f"({self.a.show()} {self.op} {self.b.show()})"
    def type(self, ctx): return "bool"

    def test(self, x, y):
        if x != x or y != y:
            return False
        return bool({"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y, "==": x == y, "!=": x != y}[self.op])

    def const(self, ctx):
        x, y = self.a.const(ctx), self.b.const(ctx)
        if x is None or y is None:
            return None
        if x.ratio is not None and y.ratio is not None:
            return self.test(x.ratio, y.ratio)
        return self.test(x.value, y.value)

    def value(self, ctx, t):
        kind = join(self.a.type(ctx), self.b.type(ctx), ctx, self.a, self.b)
        return self.test(self.a.get(ctx, t, kind), self.b.get(ctx, t, kind))


class Logic(Expr):
    def __init__(self, op, a, b): self.op, self.a, self.b = op, a, b
    def show(self): return f"({self.a.show()} {self.op} {self.b.show()})"
    def type(self, ctx): return "bool"

    def const(self, ctx):
        x, y = self.a.const(ctx), self.b.const(ctx)
        stop = self.op == "||"
        if x is not None:
            return stop if x is stop else y
        return None

    def value(self, ctx, t):
        x, y = self.a.get(ctx, t, "bool"), self.b.get(ctx, t, "bool")
        return (x and y) if self.op == "&&" else (x or y)


class Not(Expr):
    def __init__(self, a): self.a = a
    def show(self): return f"!{self.a.show()}"
    def type(self, ctx): return "bool"
    def const(self, ctx):
        c = self.a.const(ctx)
        return None if c is None else not c
    def value(self, ctx, t): return not self.a.get(ctx, t, "bool")


class If(Expr):
    def __init__(self, c, a, b, form=0): self.c, self.a, self.b, self.form = c, a, b, form

    def show(self):
        c, a, b = self.c.show(), self.a.show(), self.b.show()
        return [f"(if {c} then {a} else {b})", f"select({c}, {a}, {b})", f"(if {c} {{ {a} }} else {{ {b} }})"][self.form]

    def branch(self, ctx):
        c = self.c.const(ctx)
        return None if c is None else self.a if c else self.b

    def const(self, ctx):
        b = self.branch(ctx)
        return None if b is None else b.const(ctx)

    def type(self, ctx):
        b = self.branch(ctx)
        if b is not None:
            return b.type(ctx)
        x, y = self.a.type(ctx), self.b.type(ctx)
        if x == "bool":
            return x
        return join(x, y, ctx, self.a, self.b)

    def value(self, ctx, t):
        b = self.branch(ctx)
        if b is not None:
            return b.value(ctx, t)
        return (self.a if self.c.get(ctx, t, "bool") else self.b).get(ctx, t, self.type(ctx))


class Prev(Expr):
    def __init__(self, a, init=None): self.a, self.init = a, init
    def show(self): return f"prev({self.a.show()}" + (f", init={self.init.show()})" if self.init else ")")

    def type(self, ctx):
        kind = self.a.type(ctx)
        return ctx.real if kind is None or kind in REALS else kind

    def value(self, ctx, t):
        kind = self.type(ctx)
        if t > 0:
            return self.a.get(ctx, t - 1, kind)
        if kind == "bool":
            return False
        return const_as(self.init.const(ctx) if self.init else Const(Fraction(0)), kind)


class Cross(Expr):
    def __init__(self, flow, name, mode, causal, target):
        self.flow, self.name, self.mode, self.causal, self.target = flow, name, mode, causal, target

    def show(self):
        return (f"resample({self.flow.name}.{self.name}, to={self.target.cls}, mode={self.mode}"
                + (", align=causal)" if self.causal else ")"))

    def type(self, ctx):
        kind = self.flow.lets[self.name].outer_type()
        return kind if self.mode in ("nearest", "hold") and kind not in REALS else ctx.real

    def value(self, ctx, t):
        let, kind = self.flow.lets[self.name], self.type(ctx)
        p = (ctx.flow.now(t) - self.flow.phase) / self.flow.dt
        if self.causal:
            p -= {"linear": 1, "cubic": 2}.get(self.mode, 0)
        k = math.floor(p)
        a = p - k
        n = self.flow.steps

        def knot(i):
            i = max(i, 0)
            if n is not None:
                i = min(i, n - 1)
            return convert(let.outer(i), let.outer_type(), kind)
        if self.mode in ("nearest", "hold") or a == 0 or k < 0 or (n is not None and k >= n - 1):
            return knot(k)
        a = real_of(a, kind)
        one, two = type(a)(1), type(a)(2)
        p1, p2 = knot(k), knot(k + 1)
        if self.mode == "linear":
            return p1 + a * (p2 - p1)
        p0 = knot(k - 1) if k > 0 else two * p1 - p2
        p3 = knot(k + 2) if n is None or k + 2 < n else two * p2 - p1
        d0, d1, d2 = p1 - p0, p2 - p1, p3 - p2
        m1, m2 = (d0 + d1) / two, (d1 + d2) / two
        c2 = two * (d1 - m1) + (d1 - m2)
        c3 = (m1 - d1) + (m2 - d1)
        return ((c3 * a + c2) * a + m1) * a + p1


class Read(Expr):  # of a flow of the same clock
    def __init__(self, flow, name): self.flow, self.name = flow, name
    def show(self): return f"{self.flow.name}.{self.name}"
    def type(self, ctx): return self.flow.lets[self.name].outer_type()
    def value(self, ctx, t): return self.flow.lets[self.name].outer(t // ctx.flow.substeps)


class Window(Expr):
    def __init__(self, op, flow, name, width, own):
        self.op, self.flow, self.name, self.width, self.own = op, flow, name, width, own

    def show(self):
        source = self.name if self.own else f"{self.flow.name}.{self.name}"
        return f"{self.op}({source}" + (f", window={self.width})" if self.width else ")")

    def type(self, ctx):
        kind = self.flow.lets[self.name].outer_type()
        if self.op == "count" or (self.op == "sum" and kind in INTS):
            return "i64"
        return kind if kind in INTS and self.op in ("peak", "min", "max") else ctx.real

    def value(self, ctx, t):
        let, kind = self.flow.lets[self.name], self.type(ctx)
        now = ctx.flow.now(t)
        last = math.floor((now - self.flow.phase) / self.flow.dt)
        width = Fraction(self.width) if self.width else ctx.flow.dt
        first = math.floor((now - width - self.flow.phase) / self.flow.dt) + 1
        if t < ctx.flow.substeps and not self.width:
            first = 0
        first = max(first, 0)
        end = last if self.flow.steps is None else min(last, self.flow.steps - 1)
        n = max(end - first + 1, 0)
        if self.op == "count":
            return n
        have = let.outer_type()
        x = [convert(let.outer(first + i), have, kind) for i in range(n)]
        if kind in INTS:
            if self.op == "sum":
                return wrap(sum(x), kind)
            if n == 0:
                x = [convert(let.outer(max(end, 0)), have, kind)]
            if self.op == "peak":
                return max((wrap(abs(v), kind) for v in x))
            return min(x) if self.op == "min" else max(x)
        zero = F32(0) if kind == "f32" else F64(0)
        if n == 0:
            if self.op == "sum":
                return zero
            held = convert(let.outer(max(end, 0)), have, kind)
            return abs(held) if self.op in ("rms", "peak") else held
        if self.op == "sum":
            return ordered_sum(x, zero)
        if self.op == "mean":
            return ordered_sum(x, zero) / type(zero)(n)
        if self.op == "rms":
            return numpy.sqrt(ordered_sum([v * v for v in x], zero) / type(zero)(n))
        if self.op == "peak":
            x = [abs(v) for v in x]
        best = x[0]
        for v in x[1:]:
            best = least(best, v) if self.op == "min" else most(best, v)
        return best


class History(Expr):  # sum, mean, min or max of the n newest ticks
    def __init__(self, op, flow, name, n, own): self.op, self.flow, self.name, self.n, self.own = op, flow, name, n, own
    def show(self):
        source = self.name if self.own else f"{self.flow.name}.{self.name}"
        return f"{self.op}(history({source}, {self.n}))"
    def type(self, ctx): return ctx.real

    def value(self, ctx, t):
        let, kind = self.flow.lets[self.name], ctx.real
        last = math.floor((ctx.flow.now(t) - self.flow.phase) / self.flow.dt)
        if self.flow.steps is not None:
            last = min(last, self.flow.steps - 1)
        zero = F32(0) if kind == "f32" else F64(0)
        x = [convert(let.outer(i), let.outer_type(), kind) if i >= 0 else zero for i in range(last - self.n + 1, last + 1)]
        if self.op == "sum": return ordered_sum(x, zero)
        if self.op == "mean": return ordered_sum(x, zero) / type(zero)(self.n)
        best = x[0]
        for v in x[1:]:
            best = least(best, v) if self.op == "min" else most(best, v)
        return best


class Bound:
    """A name bound to an expression in a context, evaluated there."""

    def __init__(self, expr, ctx): self.expr, self.ctx = expr, ctx
    def constant(self): return self.expr.const(self.ctx)
    def type(self): return self.expr.type(self.ctx)
    def at(self, t): return self.expr.value(self.ctx, t)


class ListSum(Expr):  # [c…].map(|k| e).sum(), or a fold from the left, or zip
    def __init__(self, items, body, how): self.items, self.body, self.how = items, body, how

    def show(self):
        items = ", ".join(i.show() for i in self.items)
        if self.how == "fold":
            return f"[{items}].fold(0.5, |a, k| a * 0.5 + {self.body.show()})"
        if self.how == "zip":
            return f"zip([{items}], [{items}]).map(|p| p.0 + p.1 * {self.body.b.show()}).sum()"
        return f"[{items}].map(|k| {self.body.show()}).{self.how}()"

    def contexts(self, ctx):
        memo = self.__dict__.setdefault("places", {})
        key = (ctx.real, id(ctx.names))
        if key not in memo:
            memo[key] = [Ctx(ctx.flow, ctx.real, {**ctx.names, "k": Bound(i, ctx)}) for i in self.items], ctx
        return memo[key][0]

    def type(self, ctx): return ctx.real

    def terms(self, ctx, t):
        if self.how == "zip":
            return [Binary("+", i, Binary("*", i, self.body.b)).get(ctx, t, ctx.real) for i in self.items]
        return [self.body.get(c, t, ctx.real) for c in self.contexts(ctx)]

    def value(self, ctx, t):
        x = self.terms(ctx, t)
        zero = F32(0) if ctx.real == "f32" else F64(0)
        if self.how == "fold":
            a = type(zero)(0.5)
            for v in x:
                a = a * type(zero)(0.5) + v
            return a
        total = ordered_sum(x, zero)
        return total / type(zero)(len(x)) if self.how == "mean" else total


class Fn(Expr):
    FNS = {"g1": ("fn g1(a, b) { return a * b + 1 }", lambda a, b: Binary("+", Binary("*", a, b), Number("1"))),
           "g2": ("fn g2(a, b) { let d = a - b\n  return if d < 0 then d else min(a, 2) }",
                  lambda a, b: If(Compare("<", Binary("-", a, b), Number("0")), Binary("-", a, b), Call("min", a, Number("2"))))}

    def __init__(self, name, a, b): self.name, self.a, self.b, self.body = name, a, b, Fn.FNS[name][1](a, b)
    def show(self): return f"{self.name}({self.a.show()}, {self.b.show()})"
    def const(self, ctx): return self.body.const(ctx)
    def type(self, ctx): return self.body.type(ctx)
    def value(self, ctx, t): return self.body.value(ctx, t)


# ---- randomness

def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


class Random(Expr):
    def __init__(self, program, flow, label, seed, noise):
        self.program, self.flow, self.label, self.seed, self.noise = program, flow, label, seed, noise
        self.ordinal = None

    def show(self): return f"noise(seed={self.seed})" if self.noise else f"random({self.seed}).uniform()"
    def type(self, ctx): return ctx.real

    def value(self, ctx, t):
        name = "noise" if self.noise else "random.uniform"
        path = f"{self.flow.name}/{self.label}/{name}#{self.ordinal}"
        key = hashlib.sha256(self.program.seed.to_bytes(8, "little") + self.seed.to_bytes(8, "little")).digest()
        stream = int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "little")
        w = philox([t & 0xFFFFFFFF, t >> 32, 0, stream], [int.from_bytes(key[:4], "little"), int.from_bytes(key[4:8], "little")])
        if ctx.real == "f32":
            u = F32(w[0] >> 8) * F32(2.0**-24)
        else:
            u = F64((w[0] << 32 | w[1]) >> 11) * F64(2.0**-53)
        return u * type(u)(2) - type(u)(1) if self.noise else u


# ---- events

class Event:
    def __init__(self, time, freq, dur, vel, key=None, off=False, order=0):
        self.time, self.freq, self.dur, self.vel, self.key, self.off = time, freq, dur, vel, key, off

    def moved(self, by): return Event(self.time + by, self.freq, self.dur, self.vel, self.key, self.off)


class Events:
    def __init__(self, name, text, items):
        self.name, self.text, self.items = name, text, sorted(items, key=lambda e: e.time)


class Signal(Expr):
    def __init__(self, events, form, floor): self.events, self.form, self.floor = events, form, floor

    def show(self):
        f = ", round=floor" if self.floor else ""
        return {"impulse": f"{self.events.name}.to_signal(mode=impulse{f})", "gate": f"{self.events.name}.to_signal(mode=gate{f})",
                "freq": f"({self.events.name}.to_signal(mode=hold{f}).freq / 1Hz)", "vel": f"{self.events.name}.to_signal(mode=hold{f}).vel",
                "offset": f"{self.events.name}.to_signal(mode=hold{f}).offset"}[self.form]

    def type(self, ctx): return ctx.real

    def value(self, ctx, t):
        flow, t = ctx.flow, t // ctx.flow.substeps
        place = lambda time: max(math.floor((time - flow.phase) / flow.dt), 0)
        ons = [e for e in self.events.items if not e.off and place(e.time) <= t]
        if self.form == "impulse":
            return real_of(Fraction(sum(place(e.time) == t for e in ons)), ctx.real)
        if not ons:
            return real_of(Fraction(0), ctx.real)
        e = ons[-1]
        if self.form == "freq":
            return convert(real_of(e.freq, "f32"), "f32", ctx.real)
        if self.form == "vel":
            return convert(real_of(e.vel, "f32"), "f32", ctx.real)
        p = (e.time - flow.phase) / flow.dt
        if self.form == "offset":
            return real_of(Fraction(0) if self.floor or p < 0 else p - math.floor(p), ctx.real)
        ends = []
        if e.dur is not None:
            ends.append(max(math.floor((e.time + e.dur - flow.phase) / flow.dt), place(e.time) + 1))
        for o in self.events.items:
            if o.off and o.time > e.time and (o.key is None or e.key is None or o.key == e.key):
                ends.append(max(place(o.time), place(e.time) + 1))
        return real_of(Fraction(1 if all(t < end for end in ends) else 0), ctx.real)


# ---- flows, lets, states

class Let:
    def __init__(self, flow, name, declared, expr):
        self.flow, self.name, self.declared, self.expr = flow, name, declared, expr
        self.memo = {}
        self.busy = False
        self.kind = ()

    def ctx(self):
        self.place = getattr(self, "place", None) or Ctx(self.flow, self.declared if self.declared in REALS else self.flow.real)
        return self.place

    def constant(self):
        if self.declared is None and not self.busy:
            self.busy = True
            c = self.expr.const(self.ctx())
            self.busy = False
            return c
        return None

    def type(self):
        if self.declared:
            return self.declared
        if self.busy:
            return self.flow.real
        if self.kind == ():
            self.busy = True
            self.kind = self.expr.type(self.ctx())
            if self.kind in REALS:
                self.kind = self.flow.real
            self.busy = False
        return self.kind

    def outer_type(self):
        return self.type() or self.flow.real

    def at(self, inner):
        if inner not in self.memo:
            kind = self.outer_type()
            self.memo[inner] = self.expr.get(self.ctx(), inner, kind)
        return self.memo[inner]

    def outer(self, tick):
        return self.at(tick * self.flow.substeps + self.flow.substeps - 1)


class Write:
    def __init__(self, flow, state, conditions, value):
        self.flow, self.state, self.conditions, self.value = flow, state, conditions, value
        self.place = Ctx(flow, flow.real), Ctx(flow, state.kind if state.kind in REALS else flow.real)
        self.memo = {}

    def at(self, inner):  # None: not written
        if inner not in self.memo:
            value = self.value.get(self.place[1], inner, self.state.kind)
            self.memo[inner] = value if all(c.get(self.place[0], inner, "bool") for c in self.conditions) else None
        return self.memo[inner]


class State:
    def __init__(self, name, kind, init, merge):
        self.name, self.kind, self.init, self.merge = name, kind, init, merge
        self.writers = []  # flows
        self.versions = []
        self.next = {}

    def show(self):
        return f"@state{f'(merge={self.merge})' if self.merge else ''} {self.name}: {self.kind} = {self.init.show()}"

    def commit(self, time):
        """All instants before `time`."""
        while True:
            due = [(f.time(self.next.get(f, 0)), f) for f in self.writers
                   if f.steps is None or self.next.get(f, 0) < f.steps]
            due = [d for d in due if d[0] < time]
            if not due:
                return
            instant = min(d[0] for d in due)
            writes = []
            for f in [f for f in f_order(self.writers) if any(d[0] == instant and d[1] is f for d in due)]:
                tick = self.next.get(f, 0)
                last = tick * f.substeps + f.substeps - 1
                wrote, value = self.own(f, last, tick * f.substeps)
                if wrote:
                    writes.append(value)
                self.next[f] = tick + 1
            if writes:
                self.versions.append((instant, self.merged(writes)))

    def own(self, f, inner, first):
        """The last write of flow f in its inner runs first … inner."""
        for i in range(inner, first - 1, -1):
            for w in f.writes:
                if w.state is self:
                    value = w.at(i)
                    if value is not None:
                        return True, value
        return False, None

    def seen(self, f, inner):
        """What flow f reads in its inner run."""
        first = inner // f.substeps * f.substeps
        wrote, value = self.own(f, inner - 1, first)
        return value if wrote else self.at(f.now(inner))

    def merged(self, writes):
        old = self.versions[-1][1] if self.versions else const_as(self.init.const(None), self.kind)
        if len(writes) == 1 or self.merge in (None, "last"):
            return writes[-1]
        if self.merge == "sum":
            fix = (lambda x: wrap(x, self.kind)) if self.kind in INTS else (lambda x: x)
            d = fix(writes[0] - old)
            for w in writes[1:]:
                d = fix(d + fix(w - old))
            return fix(old + d)
        best = writes[0]
        for w in writes[1:]:
            best = least(best, w) if self.merge == "min" else most(best, w)
        return best

    def at(self, time):
        self.commit(time)
        for instant, value in reversed(self.versions):
            if instant < time:
                return value
        return const_as(self.init.const(None), self.kind)


def f_order(flows):
    return sorted(flows, key=lambda f: f.order)


class Flow:
    def __init__(self, name, dt, cls, phase, real, steps):
        self.name, self.dt_text, self.dt = name, dt, Fraction(dt)
        self.cls, self.phase, self.real, self.steps = cls, Fraction(phase), real, steps
        self.substeps = 1
        self.lets, self.writes = {}, []
        self.order = 0
        self.reads = set()

    def time(self, tick): return self.phase + tick * self.dt
    def now(self, inner): return self.time(inner // self.substeps)

    def show(self):
        default = "f32" if self.cls == "audio" else "f64"
        head = f"flow {self.name}(dt={self.dt_text} @rate={self.cls}"
        if self.phase: head += f" phase={self.phase}"
        if self.substeps > 1: head += f" substeps={self.substeps}"
        if self.steps is not None: head += f" steps={self.steps}"
        lines = [head + ")" + (f" @real={self.real}" if self.real != default else "") + " {"]
        for let in self.lets.values():
            lines.append(f"  let {let.name}{': ' + let.declared if let.declared else ''} = {let.expr.show()}")
        for w in self.writes:
            lines.append(f"  {''.join(f'if {c.show()} {{ ' for c in w.conditions)}{w.state.name} = {w.value.show()}{' }' * len(w.conditions)}")
        for let in self.lets.values():
            lines.append(f"  output o{let.name} = {let.name}")
        return "\n".join(lines + ["}"])


# ---- making programs

class Maker:
    NUMBERS = ["0", "1", "-1", "0.5", "2.25", "0.1", "3", "100.25", "1e-3", "0.7071", "7", "-2", "1e10", "4294967297",
               "-0.25", "3.5", "-2.5", "9007199254740993", "16777217", "1e-30", "0.3"]
    CLOCKS = [("1/1000", "control"), ("1/250", "control"), ("3/1000", "sim"), ("1001/30000", "visual"), ("0.0107", "sim"),
              ("1/600", "visual"), ("1/8000", "audio"), ("1/480", "control"), ("1/100", "control"), ("1/60", "visual")]

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.seed = self.r.randrange(1000)
        self.flows, self.states, self.events = [], [], []
        self.depth_prev = 0
        self.fns = False

    def pick(self, items): return self.r.choice(items)
    def chance(self, percent): return self.r.random() * 100 < percent

    def number(self):
        return Number(self.pick(self.NUMBERS))

    def lets_of(self, flow, kinds):
        return [n for n, l in flow.lets.items() if l.outer_type() in kinds]

    def foreign(self, kinds):
        flows = self.flows[:self.flows.index(self.flow)]
        if not flows:
            return None
        f = self.pick(flows)
        names = self.lets_of(f, kinds)
        if not names:
            return None
        name = self.pick(names)
        same = f.dt == self.flow.dt and f.phase == self.flow.phase
        kind = f.lets[name].outer_type()
        if kind != "bool" and kinds is not INTS_ALL and self.chance(35):
            width = self.pick(["1/100", "1/333", "1/50", "1/5000"]) if same or self.chance(40) else None
            op = self.pick(["mean", "rms", "peak", "min", "max", "sum", "count"])
            if self.chance(20):
                return History(self.pick(["sum", "mean"]), f, name, self.r.randrange(1, 40), False)
            return Window(op, f, name, width, False)
        if same and f.steps is None:
            return Read(f, name)
        mode = "nearest" if kind == "bool" or kinds is INTS_ALL else self.pick(["nearest", "linear", "cubic", "hold"])
        return Cross(f, name, mode, mode in ("linear", "cubic") and self.chance(25), self.flow)

    def real_leaf(self):
        k = self.r.randrange(12)
        if k < 3:
            e = self.foreign(("f32", "f64") if self.chance(60) else ("f32", "f64") + tuple(INTS))
            if e: return e
        if k < 6 and self.lets_of(self.flow, REALS):
            name = self.pick(self.lets_of(self.flow, REALS))
            if self.flow.substeps == 1 and self.chance(12):
                if self.flow.lets[name].constant() is None:  # a constant has no type of its own
                    return Window(self.pick(["mean", "rms", "peak", "min", "max", "sum"]), self.flow, name, self.pick(["1/100", "1/333"]), True)
            if self.flow.substeps == 1 and self.chance(6):
                return History(self.pick(["sum", "mean"]), self.flow, name, self.r.randrange(1, 40), True)
            return Name(name)
        if k == 6 and self.states:
            return self.state_read(self.pick(self.states))
        if k == 7:
            return Prim("(time / 1s)", None, lambda ctx, t: real_of(ctx.flow.now(t), ctx.real))
        if k == 8 and self.events:
            return Signal(self.pick(self.events), self.pick(["impulse", "gate", "freq", "vel", "offset"]), self.chance(20))
        if k == 9:
            return Random(self, self.flow, self.label, self.r.randrange(5), self.chance(40))
        return self.number()

    def state_read(self, s):
        if s.kind in REALS:
            return Prim(s.name, None, lambda ctx, t: convert(s.seen(ctx.flow, t), s.kind, ctx.real))
        return Prim(s.name, s.kind, lambda ctx, t: s.seen(ctx.flow, t))

    def real(self, depth):
        if depth <= 0:
            return self.real_leaf()
        k = self.r.randrange(16)
        sub = lambda: self.real(depth - 1)
        if k < 5: return Binary(self.pick("+-*/%" if self.chance(20) else "+-*/"), sub(), sub())
        if k == 5: return Call(self.pick(["abs", "floor", "ceil", "round", "fract", "sqrt"]), sub())
        if k == 6: return Call(self.pick(["min", "max"]), sub(), sub())
        if k == 7: return If(self.boolean(depth - 1), sub(), sub(), self.r.randrange(3))
        if k in (8, 9): return Prev(sub(), self.number() if self.chance(60) else None)
        if k == 10: return Neg(sub())
        if k == 11: return Binary(self.pick("/*+-"), self.integer(depth - 1), sub())
        if k == 12:
            how = self.pick(["sum", "mean", "fold", "zip"])
            leaf = self.real_leaf_plain()
            if leaf.const(Ctx(self.flow, self.flow.real)) is not None: leaf = Prim("(time / 1s)", None, lambda ctx, t: real_of(ctx.flow.now(t), ctx.real))
            e = Binary(self.pick("+*-"), Name("k"), leaf)
            return ListSum([self.number() for _ in range(self.r.randrange(2, 5))], e, how)
        if k == 13:
            self.fns = True
            return Fn(self.pick(["g1", "g2"]), self.plain(), self.plain())
        if k == 14: return Binary("+", self.integer(depth - 1), self.number())
        return Div(sub(), self.pick([Number("3"), Number("0.7"), Number("-2")]))

    def real_leaf_plain(self):  # may be written twice: no randomness
        names = self.lets_of(self.flow, REALS)
        return Name(self.pick(names)) if names else self.number()

    plain = real_leaf_plain

    def integer(self, depth, sign=True):
        kinds = ("i32", "i64") if sign else ("u32", "u64")
        if depth <= 0 or self.chance(30):
            k = self.r.randrange(6)
            if k < 2 and self.lets_of(self.flow, kinds):
                return Name(self.pick(self.lets_of(self.flow, kinds)))
            if k == 2:
                states = [s for s in self.states if s.kind in kinds]
                if states: return self.state_read(self.pick(states))
            if k == 3:
                e = self.foreign(kinds)
                if e is not None and e.type(Ctx(self.flow, self.flow.real)) in kinds: return e
            if sign:
                return Prim("step", "i64", lambda ctx, t: t // ctx.flow.substeps)
            if self.lets_of(self.flow, kinds):
                return Name(self.pick(self.lets_of(self.flow, kinds)))
            return Number(str(self.r.randrange(1, 9)))
        sub = lambda: self.integer(depth - 1, sign)
        k = self.r.randrange(8)
        if k < 3: return Binary(self.pick("+-*"), sub(), sub())
        if k == 3: return Binary("%", sub(), Number(self.pick(["3", "-4", "7"] if sign else ["3", "7"])))
        if k == 4: return Div(sub(), Number(self.pick(["3", "-4", "7"] if sign else ["3", "7"])))
        if k == 5: return Call(self.pick(["min", "max"]), sub(), sub())
        if k == 6: return If(self.boolean(depth - 1), sub(), sub())
        return Prev(sub(), Number(self.pick(["5", "0.6", "1e12"])) if self.chance(50) else None)

    def boolean(self, depth):
        k = self.r.randrange(8)
        if k == 0 and self.lets_of(self.flow, ("bool",)): return Name(self.pick(self.lets_of(self.flow, ("bool",))))
        if k == 1 and depth > 0: return Logic(self.pick(["&&", "||"]), self.boolean(depth - 1), self.boolean(depth - 1))
        if k == 2 and depth > 0: return Not(self.boolean(depth - 1))
        if k == 3 and depth > 0 and self.chance(30): return Prev(self.boolean(depth - 1))
        op = self.pick(["<", "<=", ">", ">=", "==", "!="])
        if self.chance(50): return Compare(op, self.real(depth - 1), self.real(0))
        return Compare(op, self.integer(depth - 1), self.integer(0))

    def make_let(self, flow, name):
        self.flow, self.label = flow, name
        k = self.r.randrange(10)
        depth = self.r.randrange(1, 4)
        if k < 6:
            declared = self.pick([None, None, "f64", "f32"])
            if self.chance(15):  # refers to itself
                expr = Binary("+", Prev(Name(name), self.number() if self.chance(60) else None), Binary("*", self.real(1), Number("0.3")))
                expr = Binary("*", expr, Number("0.5"))
            else:
                expr = self.real(depth)
        elif k < 8:
            declared = self.pick([None, "i32", "i64"])
            expr = self.integer(depth) if self.chance(75) or declared is None else self.real(depth)
        elif k == 8:
            declared = self.pick(["u32", "u64"])
            expr = self.integer(depth, self.chance(40)) if self.chance(70) else self.real(depth)
        else:
            declared = "bool" if self.chance(20) else None
            expr = self.boolean(depth)
        return Let(flow, name, declared, expr)

    def make_events(self):
        for i in range(self.r.randrange(4)):
            name = f"e{i}"
            k = self.r.randrange(5)
            if i > 0 and k == 0:
                s, by = self.pick(self.events), self.r.randrange(1, 9000)
                self.events.append(Events(name, f"{s.name}.delay({by}/1000000 * 1s)", [e.moved(Fraction(by, 10**6)) for e in s.items]))
            elif i > 0 and k == 1:
                parts = [self.pick(self.events) for _ in range(self.r.randrange(2, 4))]
                self.events.append(Events(name, f"event.merge({', '.join(p.name for p in parts)})", [e for p in parts for e in p.items]))
            elif i > 0 and k == 2:
                s = self.pick(self.events)
                if any(e.off for e in s.items):
                    continue
                limit = Fraction(self.r.randrange(60, 900))
                self.events.append(Events(name, f"{s.name}.filter(|n| n.freq > {limit}Hz)", [e for e in s.items if Fraction(float(real_of(e.freq, 'f32'))) > limit]))
            else:
                items, texts, at = [], [], self.r.randrange(3000)
                for _ in range(self.r.randrange(1, 6)):
                    if items and self.chance(20):
                        items.append(Event(Fraction(at, 100000), None, None, None, 60, True))
                        texts.append(f"({at}/100000 * 1s, off(60))")
                    else:
                        freq = Fraction(self.r.randrange(5000, 90000), 100)
                        dur = Fraction(self.r.randrange(0, 12000), 10**6) if self.chance(60) else None
                        vel = Fraction(self.r.randrange(1, 10), 10) if self.chance(40) else Fraction(1)
                        key = self.pick([60, 61]) if self.chance(40) else None
                        items.append(Event(Fraction(at, 100000), freq, dur, vel, key))
                        texts.append(f"({at}/100000 * 1s, Note{{freq: {float(freq)}Hz, vel: {float(vel)}"
                                     + (f", dur: {dur} * 1s" if dur is not None else "") + (f", key: {key}" if key else "") + "})")
                    at += self.r.randrange(3) * self.r.randrange(900)
                self.events.append(Events(name, f"event.from_list([{', '.join(texts)}])", items))

    def make(self):
        self.make_events()
        for i in range(self.r.randrange(4)):
            kind = self.pick(["f32", "f64", "i32", "i64", "u32", "u64"])
            init = Number(self.pick(["0", "1", "5", "0.1"] if kind in REALS else ["0", "1", "5"]))
            self.states.append(State(f"s{i}", kind, init, self.pick([None, "sum", "min", "max", "last"])))
        for i in range(self.r.randrange(1, 5)):
            dt, cls = self.pick(self.CLOCKS)
            real = "f32" if cls == "audio" else "f64"
            if self.chance(30): real = self.pick(REALS)
            phase = self.pick(["0"] * 5 + ["1/400", "1/1000"])
            steps = self.r.randrange(2, 9) if self.chance(10) else None
            flow = Flow(f"f{i}", dt, cls, phase, real, steps)
            if self.chance(12): flow.substeps = self.r.randrange(2, 4)
            self.flows.append(flow)
            for k in range(self.r.randrange(1, 5)):
                flow.lets[f"x{k}"] = self.make_let(flow, f"x{k}")
                flow.lets[f"x{k}"].outer_type()
        for s in self.states:
            n = 1 if s.merge is None else self.r.randrange(1, 4)
            for flow in self.r.sample(self.flows, min(n, len(self.flows))):
                self.flow, self.label = flow, s.name
                conditions = [self.state_free(lambda: self.boolean(1))] if self.chance(40) else []
                value = (self.real(2) if s.kind in REALS or self.chance(25) else self.integer(2, s.kind[0] == "i"))
                if any(isinstance(x, Random) for x in walk(value)) or any(isinstance(x, Random) for c in conditions for x in walk(c)):
                    value, conditions = (Number("1"), [])
                flow.writes.append(Write(flow, s, conditions, value))
                s.writers.append(flow)
        declared = self.flows[:]
        turn = self.r.randrange(len(declared))
        declared = declared[turn:] + declared[:turn]
        for f in declared:
            for e in [l.expr for l in f.lets.values()] + [x for w in f.writes for x in w.conditions + [w.value]]:
                f.reads |= {x.flow for x in walk(e, False) if isinstance(x, (Cross, Read, Window, History)) and x.flow is not f}
        taken = []
        while len(taken) < len(declared):
            for f in declared:
                if f not in taken and all(g in taken for g in f.reads):
                    f.order = len(taken)
                    taken.append(f)
                    break
        self.declared = declared
        for f in self.flows:
            for let in f.lets.values():
                count = {}
                for x in walk(let.expr, ctx=let.ctx()):
                    if isinstance(x, Random):
                        x.ordinal = count.get(x.noise, 0)
                        count[x.noise] = x.ordinal + 1
        return self

    def state_free(self, make): return make()

    def show(self):
        lines = [f"@seed={self.seed}"] + [Fn.FNS[n][0] for n in Fn.FNS]
        lines += [f"let {e.name} = {e.text}" for e in self.events]
        lines += [s.show() for s in self.states]
        return "\n".join(lines + [f.show() for f in self.declared]) + "\n"


INTS_ALL = tuple(INTS)


def walk(e, inside=True, ctx=None):  # inside: also what stands in prev(…); ctx: without branches never taken
    yield e
    if ctx and isinstance(e, If) and e.branch(ctx) is not None:
        yield from walk(e.branch(ctx), inside, ctx)
        return
    if isinstance(e, Prev) and not inside:
        return
    for part in (getattr(e, n, None) for n in ("c", "a", "b", "init", "body")):
        if isinstance(part, Expr):
            yield from walk(part, inside, ctx)
    if isinstance(e, Call):
        for a in e.args:
            yield from walk(a, inside, ctx)


# ---- comparing

def read_csv(path):
    return [line.split(",")[1:] for line in path.read_text().splitlines()[1:]]


def read_wav(path):
    data = path.read_bytes()
    at = data.index(b"data", 12)
    channels = int.from_bytes(data[22:24], "little")
    x = numpy.frombuffer(data[at + 8:], "<f4")
    return x.reshape(-1, channels)


def same(kind, want, have, wav):
    if wav:
        want = convert(int(want) if kind == "bool" else want, "i32" if kind == "bool" else kind, "f32")
        return F32(want).tobytes() == F32(have).tobytes() or (math.isnan(want) and math.isnan(have))
    if kind == "bool" or kind in INTS:
        return have == str(int(want))
    if math.isnan(want):
        return have == "nan"
    got = F32(have) if kind == "f32" else F64(have)
    return type(want)(got).tobytes() == want.tobytes()


def try_seed(kairo, seed):
    try:
        program = Maker(seed).make()
        text = program.show()
        expected = {}
        for f in program.flows:
            for let in f.lets.values():
                let.outer_type()
                let.constant()
    except Reject:
        return "skipped", ""
    with tempfile.TemporaryDirectory(prefix="kairo-meaning-") as folder:
        path = pathlib.Path(folder, "p.kairo")
        path.write_text(text)
        done = subprocess.run([kairo, "render", str(path), "-o", folder + "/out", "-d", "30ms", "--quiet"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            errors = [l for l in done.stderr.splitlines() if " error: " in l]
            return "rejected", errors[0].split(" error: ")[1] if errors else done.stderr[-300:]
        try:
            for f in program.flows:
                n = math.ceil((DURATION - f.phase) / f.dt)
                n = max(n if f.steps is None else min(n, f.steps), 0)
                for let in f.lets.values():
                    base = pathlib.Path(folder, "out", f"{f.name}.o{let.name}")
                    wav = base.with_name(base.name + ".wav").exists()
                    rows = read_wav(base.with_name(base.name + ".wav")) if wav else read_csv(base.with_name(base.name + ".csv"))
                    if len(rows) != n:
                        return "failed", f"{f.name}.{let.name}: {len(rows)} rows, not {n}\n{text}"
                    for t in range(n):
                        want, kind = let.outer(t), let.outer_type()
                        if kind in REALS:  # an output reads it
                            want, kind = convert(want, kind, f.real), f.real
                        if not same(kind, want, rows[t][0], wav):
                            return "failed", f"{f.name}.{let.name} tick {t}: {rows[t][0]}, expected {want!r} ({kind})\n{text}"
        except Reject as e:
            return "failed", f"no error, expected {e}\n{text}"
    return "passed", ""


def main():
    kairo = os.path.abspath(sys.argv[1])
    if sys.argv[2] == "show":
        print(Maker(int(sys.argv[3])).make().show(), end="")
        return 0
    first, count = int(sys.argv[2]), int(sys.argv[3])
    totals, reasons = {"passed": 0, "failed": 0, "rejected": 0, "skipped": 0}, {}
    for seed in range(first, first + count):
        try:
            verdict, why = try_seed(kairo, seed)
        except RecursionError:
            verdict, why = "skipped", ""
        totals[verdict] += 1
        if verdict == "failed" and totals["failed"] <= int(os.environ.get("SHOW", "3")):
            print(f"seed {seed} failed: {why}", file=sys.stderr)
        if verdict == "rejected":
            reasons.setdefault(why[:60], []).append(seed)
    for why, seeds in sorted(reasons.items(), key=lambda x: -len(x[1]))[:12]:
        print(f"{len(seeds)} rejected ({seeds[0]} …): {why}", file=sys.stderr)
    print(f"{totals['rejected']} rejected, {totals['skipped']} skipped", file=sys.stderr)
    if totals["passed"] * 2 < count:
        totals["failed"] += 1
    print(f"{totals['passed']} passed, {totals['failed']} failed")
    return totals["failed"] > 0


def in_thread():
    numpy.seterr(all="ignore")
    status[0] = main()


if __name__ == "__main__":
    status = [1]
    worker = threading.Thread(target=in_thread)
    worker.start()
    worker.join()
    sys.exit(status[0])
