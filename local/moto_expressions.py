"""moto's expressions, read once and not for each call: their trees, and what holds of them whatever the values.

They mean what they meant: `tests/local/test_moto_tables.py` asks both.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

from moto.dynamodb.comparisons import AttributeValue, ConditionExpressionParser
from moto.dynamodb.parsing.ast_nodes import (  # type: ignore[attr-defined]
    DDBTypedValue,
    DepthFirstTraverser,
    Expression,
    LeafNode,
    Node,
    NodeDepthLeftTypeFetcher,
    UpdateExpressionFunction,
)
from moto.dynamodb.parsing.executors import UpdateExpressionExecutor
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]
from moto.dynamodb.parsing.validators import (
    ActionCountValidator,
    EmptyStringKeyValueValidator,
    OverlappingPathsValidator,
    TypeMismatchValidator,
    UpdateExpressionFunctionEvaluator,
    UpdateHashRangeKeyValidator,
    Validator,
)

from local.moto_originals import originals, replace

# They look at the expression, its names and the table's keys, and change nothing.
_WHATEVER_THE_VALUES = (ActionCountValidator, OverlappingPathsValidator, UpdateHashRangeKeyValidator)
# They look at what is set, and change nothing.
_OF_WHAT_IS_SET = (TypeMismatchValidator, EmptyStringKeyValueValidator)
_ACTIONS = tuple(UpdateExpressionExecutor.execution_map)


@cache
def make_moto_read_once() -> None:
    """Let an expression be read once, and walked without detours. Once is enough."""
    replace(UpdateExpressionParser, "make", staticmethod(lru_cache(1000)(UpdateExpressionParser.make)))
    replace(DepthFirstTraverser, "traverse", _traverse)
    replace(Node, "find_clauses", _find_clauses)
    replace(Validator, "__init__", _begin_validation)
    replace(Validator, "validate", _validate)
    replace(UpdateExpressionExecutor, "get_specific_execution", _executor_of)
    replace(ConditionExpressionParser, "parse", _parse_condition)
    replace(ConditionExpressionParser, "_make_operand", _make_operand)


# Update expressions


@cache
def _is_a(kind: Any, wanted: Any) -> bool:
    """`issubclass`, which takes long for abstract classes."""
    return issubclass(kind, wanted)


@cache
def _is_one_of(kind: Any, wanted: tuple[Any, ...]) -> bool:
    return any(_is_a(kind, it) for it in wanted)


@cache
def _wanted_by(kind: Any, wanted: tuple[Any, ...]) -> Any:
    """The first of the classes a traverser looks for that a node of this kind is one of."""
    return next((it for it in wanted if _is_a(kind, it)), None)


def _traverse(traverser: Any, root: Any) -> Any:
    """As `DepthFirstTraverser` goes: the children first, each replaced by what becomes of it."""
    kind_of_traverser = type(traverser)
    processors = traverser._processing_map()
    wanted = tuple(processors)
    is_told = kind_of_traverser.pre_processing_of_child is not DepthFirstTraverser.pre_processing_of_child

    of_interest = _of_interest(wanted)

    def walk(node: Any, place: int) -> Any:
        kind: Any = type(node)
        parent = node.parent
        # The one that is told before does nothing where there is no action.
        is_told_here = is_told and _is_one_of(kind, _ACTIONS)
        for index, child in enumerate(node.children or ()):
            if is_told_here:
                traverser.pre_processing_of_child(node, index)
            if of_interest[type(child)]:
                walk(child, index)
        found = _wanted_by(kind, wanted)
        if found is not None:
            node = processors[found](node)
            node.parent = parent
            if parent:
                parent.children[place] = node
        return node

    return walk(root, -1)


class _OfInterest(dict[Any, bool]):
    """Which kinds of nodes a traverser goes to: those it looks for, and those that others may be below."""

    def __init__(self, wanted: tuple[Any, ...]) -> None:
        super().__init__()
        self._wanted = wanted

    def __missing__(self, kind: Any) -> bool:
        is_branch = _is_a(kind, Node) and not _is_one_of(kind, (LeafNode, DDBTypedValue))
        self[kind] = is_branch or _is_one_of(kind, self._wanted)
        return self[kind]


@cache
def _of_interest(wanted: tuple[Any, ...]) -> _OfInterest:
    return _OfInterest(wanted)


def _find_clauses(node: Any, clause_types: list[type]) -> list[Any]:
    clauses: list[Any] = []
    for child in node.children or ():
        kind: Any = type(child)
        if kind in clause_types:
            clauses.append(child)
        elif _is_a(kind, Expression) or _is_a(kind, UpdateExpressionFunction):
            clauses.extend(_find_clauses(child, clause_types))
    return clauses


def _begin_validation(
    validator: Any,
    expression: Any,
    expression_attribute_names: Any,
    expression_attribute_values: Any,
    item: Any,
    table: Any,
) -> None:
    validator.expression_attribute_names = expression_attribute_names
    validator.expression_attribute_values = expression_attribute_values
    validator.item = item
    validator.table = table
    validator.processors = validator.get_ast_processors()
    validator.expression = expression
    validator.node_to_validate = _copied_tree(expression, None)


def _validate(validator: Any) -> Any:
    """The tree with its values; what does not depend on them is asked of an expression once."""
    node = validator.node_to_validate
    passed = validator.expression.__dict__.setdefault("passed", set())
    names = frozenset((validator.expression_attribute_names or {}).items())
    asked = (names, tuple(validator.table.table_key_attrs))
    for processor in validator.processors:
        kind = type(processor)
        if kind is UpdateExpressionFunctionEvaluator and not _has_function(validator.expression):
            continue
        if kind in _WHATEVER_THE_VALUES and asked in passed:
            continue
        if kind in _OF_WHAT_IS_SET:
            ((wanted, check),) = processor._processing_map().items()
            for action in _find_clauses(node, [wanted]):
                check(action)
            continue
        node = processor.traverse(node)
    passed.add(asked)
    return node


def _has_function(expression: Any) -> bool:
    told = expression.__dict__
    if "has_function" not in told:
        found = next(NodeDepthLeftTypeFetcher(UpdateExpressionFunction, expression), None)
        told["has_function"] = found is not None
    return bool(told["has_function"])


def _executor_of(executor: Any, node: Any) -> Any:
    """What carries out a node of this kind, if it is one to carry out."""
    by_kind = executor.execution_map
    kind: Any = type(node)
    found = _wanted_by(kind, tuple(by_kind))
    return None if found is None else by_kind[found]


def _is_node(it: Any) -> bool:
    kind: Any = type(it)
    return _is_a(kind, Node)


def _copied_tree(node: Any, parent: Any) -> Any:
    kind: Any = type(node)
    made = kind.__new__(kind)
    made.type, made.parent, children = node.type, parent, node.children
    made.children = children and [_copied_tree(it, made) if _is_node(it) else it for it in children]
    return made


# Conditions


class _Unknown(dict[str, Any]):
    """Values that are not known yet: each is its own name."""

    def __missing__(self, name: str) -> str:
        return name


def _parse_condition(parser: Any) -> Any:
    """Its tree is read once; each use puts its own values in it. What is wrong with it is said by moto."""
    read: Any = originals[ConditionExpressionParser, "parse"]
    if not parser.condition_expression:
        return read(parser)
    try:
        node, names, values = _condition(
            parser.condition_expression, frozenset((parser.expression_attribute_names or {}).items())
        )
    except Exception:
        return read(parser)
    if any(it not in (parser.expression_attribute_values or ()) for it in values):
        return read(parser)
    parser.expr_attr_names_found.extend(names)
    parser.expr_attr_values_found.extend(values)
    return parser._make_op_condition(node)


@lru_cache(2000)
def _condition(expression: str, names: Iterable[tuple[str, str]]) -> tuple[Any, list[str], list[str]]:
    """A condition's tree, and the names and values it uses."""
    reader: Any = ConditionExpressionParser(expression, dict(names), _Unknown())
    node = reader._apply_parens_and_booleans(
        reader._apply_between(
            reader._apply_in(
                reader._apply_comparator(
                    reader._apply_functions(reader._parse_paths(reader._lex_condition_expression()))
                )
            )
        )
    )[0]
    reader._assert_no_redundant_parentheses(node)
    return node, reader._find_literals(node), reader._find_expr_attr_values(node)


def _make_operand(parser: Any, node: Any) -> Any:
    if node.kind == ConditionExpressionParser.Kind.EXPRESSION_ATTRIBUTE_VALUE:
        return AttributeValue(parser.expression_attribute_values[node.text])
    return originals[ConditionExpressionParser, "_make_operand"](parser, node)
