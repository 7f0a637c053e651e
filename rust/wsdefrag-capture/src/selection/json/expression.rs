//! What a condition says, and whether a value meets it.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::value::Value;
use crate::selection::pattern::Pattern;

/// A step of a path.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// `.name`
    Member(String),
    /// `[0]`
    Element(i64),
    /// `[]`
    Each,
    /// `..`
    Descend,
}

/// A value that stands in a condition.
#[derive(Clone, Debug)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
}

/// A comparison.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A function of the value that it stands after.
#[derive(Clone, Debug)]
pub(super) enum Function {
    Not,
    Length,
    Type,
    Has(String),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
    Test(Pattern),
}

/// An expression: it stands for any number of values.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Path(Vec<Step>),
    Literal(Literal),
    Function(Function),
    Compare(Box<Self>, Operator, Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Pipe(Box<Self>, Box<Self>),
}

impl Expression {
    /// Whether any value that it stands for is true.
    pub(super) fn holds<'a>(&'a self, input: &Value<'a>) -> bool {
        self.values(input, &mut |value| value.is_true())
    }

    /// Gives the values that it stands for to `take` until it returns true. Returns whether it did.
    fn values<'a>(&'a self, input: &Value<'a>, take: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
        match self {
            Self::Path(steps) => follow(input.clone(), steps, take),
            Self::Literal(literal) => take(literal.value()),
            Self::Function(function) => take(function.of(input)),
            Self::Compare(left, operator, right) => {
                let holds = left.values(input, &mut |one| {
                    right.values(input, &mut |other| operator.holds(&one, &other))
                });
                take(Value::Bool(holds))
            }
            Self::And(left, right) => take(Value::Bool(left.holds(input) && right.holds(input))),
            Self::Or(left, right) => take(Value::Bool(left.holds(input) || right.holds(input))),
            Self::Pipe(left, right) => left.values(input, &mut |value| right.values(&value, take)),
        }
    }
}

/// Follows a path from a value.
fn follow<'a>(value: Value<'a>, steps: &[Step], take: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
    let Some((step, rest)) = steps.split_first() else { return take(value) };
    match step {
        Step::Member(name) => follow(value.member(name), rest, take),
        Step::Element(index) => follow(value.element(*index), rest, take),
        Step::Each => value.each(&mut |element| follow(element, rest, take)),
        Step::Descend => value.descend(&mut |inner| follow(inner, rest, take)),
    }
}

impl Literal {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(text) => Value::number(text),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
        }
    }
}

impl Operator {
    fn holds(self, one: &Value<'_>, other: &Value<'_>) -> bool {
        let order = one.compare(other);
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order.is_some_and(Ordering::is_lt),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order.is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

impl Function {
    fn of<'a>(&self, input: &Value<'a>) -> Value<'a> {
        let text = |holds: &dyn Fn(&str) -> bool| {
            Value::Bool(matches!(input, Value::Text(text) if holds(text)))
        };
        match self {
            Self::Not => Value::Bool(!input.is_true()),
            Self::Length => input.length(),
            Self::Type => Value::Text(Cow::Borrowed(input.type_name())),
            Self::Has(name) => Value::Bool(input.find_member(name).is_some()),
            Self::Contains(part) => text(&|text| text.contains(part.as_str())),
            Self::StartsWith(part) => text(&|text| text.starts_with(part.as_str())),
            Self::EndsWith(part) => text(&|text| text.ends_with(part.as_str())),
            Self::Test(pattern) => text(&|text| pattern.occurs_in(text.as_bytes())),
        }
    }
}
