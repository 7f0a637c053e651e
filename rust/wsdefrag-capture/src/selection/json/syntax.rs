//! Reads a condition on JSON.
//!
//! ```text
//! pipe       = or { "|" or }
//! or         = and { "or" and }
//! and        = comparison { "and" comparison }
//! comparison = term [ ("==" | "!=" | "<" | "<=" | ">" | ">=") term ]
//! term       = "(" pipe ")" | literal | function | path
//! path       = ".." steps | "." [ name ] steps
//! steps      = { "." name | "[" "]" | "[" integer "]" | "[" string "]" } [ "?" ]
//! ```

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "the caller's condition")]

use std::fmt;

use super::expression::{Expression, Function, Literal, Operator, Step};
use crate::selection::pattern::Pattern;

/// Levels of parentheses.
const MAX_DEPTH: usize = 64;

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonConditionError {
    /// The condition.
    text: String,
    /// The position in it, in bytes.
    position: usize,
    /// What is wrong there.
    reason: String,
}

impl fmt::Display for JsonConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, position, reason } = self;
        write!(
            f,
            "{text:?} is no condition: {reason} at character {}",
            text[..*position].chars().count() + 1
        )
    }
}

impl std::error::Error for JsonConditionError {}

type Parsed<T> = Result<T, JsonConditionError>;

/// Reads a condition.
pub(super) fn parse(text: &str) -> Parsed<Expression> {
    let mut parser = Parser { text, position: 0, depth: 0 };
    let expression = parser.pipe()?;
    if parser.rest().is_empty() {
        Ok(expression)
    } else {
        Err(parser.error("an operator is missing"))
    }
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// What is left, without white space before it.
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.position..];
        let trimmed = rest.trim_start();
        self.position += rest.len() - trimmed.len();
        trimmed
    }

    fn error(&self, reason: impl Into<String>) -> JsonConditionError {
        JsonConditionError {
            text: self.text.to_owned(),
            position: self.position,
            reason: reason.into(),
        }
    }

    /// Takes a symbol, if it is next.
    fn symbol(&mut self, symbol: &str) -> bool {
        let found = self.rest().starts_with(symbol);
        if found {
            self.position += symbol.len();
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.error(format!("`{symbol}` is missing"))) }
    }

    /// Takes a word of letters, digits and `_`, if it is next.
    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let length = rest
            .find(|character: char| !(character.is_alphanumeric() || character == '_'))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        if word.is_empty() || word.starts_with(|first: char| first.is_numeric()) {
            return None;
        }
        self.position += length;
        Some(word)
    }

    /// Takes this word, if it is next.
    fn keyword(&mut self, keyword: &str) -> bool {
        let before = self.position;
        let found = self.word() == Some(keyword);
        if !found {
            self.position = before;
        }
        found
    }

    /// Reads a sequence of parts with an operator between them.
    fn joined(
        &mut self,
        part: fn(&mut Self) -> Parsed<Expression>,
        operator: fn(&mut Self) -> bool,
        join: fn(Box<Expression>, Box<Expression>) -> Expression,
    ) -> Parsed<Expression> {
        let mut left = part(self)?;
        while operator(self) {
            left = join(Box::new(left), Box::new(part(self)?));
        }
        Ok(left)
    }

    fn pipe(&mut self) -> Parsed<Expression> {
        self.joined(Self::or, |parser| parser.symbol("|"), Expression::Pipe)
    }

    fn or(&mut self) -> Parsed<Expression> {
        self.joined(Self::and, |parser| parser.keyword("or"), Expression::Or)
    }

    fn and(&mut self) -> Parsed<Expression> {
        self.joined(Self::comparison, |parser| parser.keyword("and"), Expression::And)
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let left = self.term()?;
        let operators = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let Some((_, operator)) = operators.into_iter().find(|(symbol, _)| self.symbol(symbol))
        else {
            return Ok(left);
        };
        Ok(Expression::Compare(Box::new(left), operator, Box::new(self.term()?)))
    }

    fn term(&mut self) -> Parsed<Expression> {
        if self.symbol("(") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.error("too many parentheses"));
            }
            let inner = self.pipe()?;
            self.depth -= 1;
            self.expect(")")?;
            return Ok(inner);
        }
        match self.rest().chars().next() {
            None => Err(self.error("a value is missing")),
            Some('.') => self.path(),
            Some('"') => Ok(Expression::Literal(Literal::Text(self.string()?))),
            Some('-' | '0'..='9') => {
                Ok(Expression::Literal(Literal::Number(self.number()?.to_owned())))
            }
            Some(_) => self.named(),
        }
    }

    fn number(&mut self) -> Parsed<&'a str> {
        let rest = self.rest();
        let length = rest
            .find(|character: char| {
                !(character.is_ascii_alphanumeric() || "+-.".contains(character))
            })
            .unwrap_or(rest.len());
        let number = &rest[..length];
        if number.parse::<f64>().is_ok_and(f64::is_finite) {
            self.position += length;
            return Ok(number);
        }
        Err(self.error(format!("`{number}` is not a number")))
    }

    fn string(&mut self) -> Parsed<String> {
        let rest = self.rest();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        match values.next() {
            Some(Ok(string)) => {
                self.position += values.byte_offset();
                Ok(string)
            }
            _ => Err(self.error("a string in double quotes is missing or not complete")),
        }
    }

    /// A literal or a function that has a name.
    fn named(&mut self) -> Parsed<Expression> {
        let start = self.position;
        let Some(word) = self.word() else {
            return Err(self.error("a path such as `.name` is missing"));
        };
        let function = match word {
            "null" => return Ok(Expression::Literal(Literal::Null)),
            "true" => return Ok(Expression::Literal(Literal::Bool(true))),
            "false" => return Ok(Expression::Literal(Literal::Bool(false))),
            "not" => Function::Not,
            "length" => Function::Length,
            "type" => Function::Type,
            "has" => Function::Has(self.argument()?),
            "contains" => Function::Contains(self.argument()?),
            "startswith" => Function::StartsWith(self.argument()?),
            "endswith" => Function::EndsWith(self.argument()?),
            "test" => self.test()?,
            _ => {
                self.position = start;
                let reason =
                    format!("`{word}` is no function; a member is `.{word}`, a string \"{word}\"");
                return Err(self.error(reason));
            }
        };
        Ok(Expression::Function(function))
    }

    fn argument(&mut self) -> Parsed<String> {
        self.expect("(")?;
        let argument = self.string()?;
        self.expect(")")?;
        Ok(argument)
    }

    /// `test("expression")` or `test("expression"; "i")`.
    fn test(&mut self) -> Parsed<Function> {
        self.expect("(")?;
        self.rest();
        let start = self.position;
        let expression = self.string()?;
        let flags = if self.symbol(";") { self.string()? } else { String::new() };
        if !matches!(flags.as_str(), "" | "i") {
            return Err(self.error(format!("`{flags}` is no flag of test; there is `i`")));
        }
        self.expect(")")?;
        let pattern = Pattern::new(&expression, flags == "i");
        pattern.map(Function::Test).map_err(|error| {
            self.position = start;
            self.error(error.to_string())
        })
    }

    fn path(&mut self) -> Parsed<Expression> {
        let mut steps = Vec::new();
        if self.symbol("..") {
            steps.push(Step::Descend);
        } else {
            self.expect(".")?;
            self.member(&mut steps)?;
        }
        loop {
            // White space ends a path.
            match self.text[self.position..].chars().next() {
                Some('.') => {
                    self.position += 1;
                    let before = steps.len();
                    self.member(&mut steps)?;
                    if steps.len() == before {
                        return Err(self.error("a name is missing after `.`"));
                    }
                }
                Some('[') => {
                    self.position += 1;
                    steps.push(self.bracket()?);
                }
                Some('?') => self.position += 1,
                _ => return Ok(Expression::Path(steps)),
            }
        }
    }

    /// The name after a `.`, if there is one.
    fn member(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        match self.text[self.position..].chars().next() {
            Some('"') => steps.push(Step::Member(self.string()?)),
            Some(first) if first.is_alphabetic() || first == '_' => {
                steps.extend(self.word().map(|name| Step::Member(name.to_owned())));
            }
            _ => {}
        }
        Ok(())
    }

    fn bracket(&mut self) -> Parsed<Step> {
        let step = match self.rest().chars().next() {
            Some(']') => Step::Each,
            Some('"') => Step::Member(self.string()?),
            _ => {
                let number = self.number()?;
                let index = number.parse();
                Step::Element(index.map_err(|_| self.error(format!("`{number}` is no index")))?)
            }
        };
        self.expect("]")?;
        Ok(step)
    }
}
