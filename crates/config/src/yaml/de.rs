//! From the marked tree into any type that serde can build, with the place of what is wrong.

use std::fmt;

use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor, value::StrDeserializer};

use super::{
    node::{Entry, Node, Resolved, Scalar, Style, Value},
    parse::join,
};
use crate::finding::{Mark, Report, did_you_mean, quote};

/// Builds a value from a tree that was read without findings; serde stops at the first thing that is wrong.
pub(crate) fn from_node<T: DeserializeOwned>(node: &Node, report: &mut Report) -> Option<T> {
    match T::deserialize(node) {
        Ok(value) => Some(value),
        Err(error) => {
            report.add(error.mark.unwrap_or(node.mark), error.path(), error.message);
            None
        }
    }
}

/// What is wrong and, once the way up has told, where.
#[derive(Debug)]
pub(crate) struct Error {
    message: String,
    mark: Option<Mark>,
    /// Keys and indexes from the inside out.
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Key(String),
    Index(usize),
}

impl Error {
    fn at(mut self, mark: Mark) -> Self {
        self.mark.get_or_insert(mark);
        self
    }

    fn inside(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn path(&self) -> String {
        self.steps
            .iter()
            .rev()
            .fold(String::new(), |path, step| match step {
                Step::Key(key) => join(&path, key),
                Step::Index(idx) => format!("{path}[{idx}]"),
            })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            mark: None,
            steps: Vec::new(),
        }
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {found}"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!(
            "unknown key{}",
            did_you_mean(field, expected.iter().copied())
        ))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!(
            "unknown value {}; known: {}",
            quote(variant),
            expected.join(", ")
        ))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("the key {field} is missing"))
    }
}

macro_rules! unquoted {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.deserialize_unquoted(visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for &'de Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match &self.value {
            Value::Map(entries) => visitor.visit_map(Entries {
                rest: entries.iter(),
                value: None,
            }),
            Value::List(items) => visitor.visit_seq(Items {
                rest: items.iter().enumerate(),
            }),
            Value::Scalar(scalar) => visit(scalar, scalar.resolve(), visitor),
            // Trees with something reported are not handed on; this is for completeness.
            Value::Reported => visitor.visit_unit(),
        };
        result.map_err(|error| error.at(self.mark))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_nothing() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// A variant is its name, or a mapping of its name to its content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let result = match &self.value {
            Value::Scalar(scalar) => {
                let name: StrDeserializer<'_, Error> = scalar.text.as_str().into_deserializer();
                visitor.visit_enum(name)
            }
            Value::Map(entries) if entries.len() == 1 => visitor.visit_enum(Variant(&entries[0])),
            Value::Map(_) | Value::List(_) | Value::Reported => {
                Err(de::Error::custom(format_args!(
                    "expected one of {} ({name}), found {}",
                    variants.join(", "),
                    self.describe()
                )))
            }
        };
        result.map_err(|error| error.at(self.mark))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    unquoted! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
    }

    serde::forward_to_deserialize_any! {
        str string char bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

impl Node {
    /// The value of a variable is a text, except where a truth value or a number is asked for.
    fn deserialize_unquoted<'de, V: Visitor<'de>>(
        &'de self,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.value {
            Value::Scalar(scalar) => {
                visit(scalar, scalar.unquoted(), visitor).map_err(|error| error.at(self.mark))
            }
            _ => de::Deserializer::deserialize_any(self, visitor),
        }
    }
}

fn visit<'de, V: Visitor<'de>>(
    scalar: &Scalar,
    resolved: Resolved,
    visitor: V,
) -> Result<V::Value, Error> {
    let result = match resolved {
        Resolved::Nothing => visitor.visit_unit(),
        Resolved::Truth(truth) => visitor.visit_bool(truth),
        Resolved::Integer(integer) => match (u64::try_from(integer), i64::try_from(integer)) {
            (Ok(integer), _) => visitor.visit_u64(integer),
            (_, Ok(integer)) => visitor.visit_i64(integer),
            _ => visitor.visit_i128(integer),
        },
        Resolved::Float(float) => visitor.visit_f64(float),
        Resolved::Text => visitor.visit_str(&scalar.text),
    };
    match scalar.style {
        Style::Plain | Style::Quoted => result,
        // What a variable holds may be a secret, and serde's messages show what they found.
        Style::Variable => {
            result.map_err(|_| de::Error::custom("the value of the variable does not fit here"))
        }
    }
}

struct Items<'de> {
    rest: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some((idx, node)) = self.rest.next() else {
            return Ok(None);
        };
        seed.deserialize(node)
            .map(Some)
            .map_err(|error| error.at(node.mark).inside(Step::Index(idx)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Entries<'de> {
    rest: std::slice::Iter<'de, Entry>,
    value: Option<&'de Entry>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.value = self.rest.next();
        let Some(entry) = self.value else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, Error> = entry.key.as_str().into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|error| error.at(entry.mark).inside(Step::Key(entry.key.clone())))
    }

    fn next_value_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let entry = self
            .value
            .take()
            .ok_or_else(|| de::Error::custom("a value was asked for before its key"))?;
        let node = &entry.value;
        seed.deserialize(node)
            .map_err(|error| error.at(node.mark).inside(Step::Key(entry.key.clone())))
    }
}

/// A mapping of one key: an enum's variant and its content.
struct Variant<'de>(&'de Entry);

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Error> {
        let Self(entry) = self;
        let name: StrDeserializer<'_, Error> = entry.key.as_str().into_deserializer();
        Ok((
            seed.deserialize(name)
                .map_err(|error| error.at(entry.mark))?,
            self,
        ))
    }
}

impl<'de> Variant<'de> {
    fn content<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| {
            error
                .at(self.0.value.mark)
                .inside(Step::Key(self.0.key.clone()))
        })
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        let result = de::Deserialize::deserialize(&self.0.value);
        self.content(result)
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        let result = seed.deserialize(&self.0.value);
        self.content(result)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        let result = de::Deserializer::deserialize_any(&self.0.value, visitor);
        self.content(result)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let result = de::Deserializer::deserialize_any(&self.0.value, visitor);
        self.content(result)
    }
}
