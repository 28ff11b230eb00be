//! What the contract says of a route, read from the signature of its handler: the extractors say what a request may have
//! and which problems that can lead to, the result says what the answer is.
//!
//! A release build has none of this: the routes of a function are declared to whatever collects them, and only the local
//! machine and the tests collect their descriptions.

use super::problem::ProblemCode;
use axum::handler::Handler;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::ToSchema;

/// A body of a media type, by the name of its schema; a file has none.
pub type Content = (&'static str, Option<String>);

/// What a route takes and answers.
#[derive(Debug, Default)]
pub struct Operation {
    /// Its parameters, by their names in the contract.
    pub parameters: Vec<&'static str>,
    /// The forms of its body.
    pub request: Vec<Content>,
    /// The status of an answer that is no problem.
    pub status: u16,
    /// The forms of that answer.
    pub answer: Vec<Content>,
    /// Whether the answer may be a file that is saved.
    pub is_saved: bool,
    /// Whether it writes, so that a repetition is answered as the first was.
    pub writes: bool,
    /// The problems that it can lead to.
    pub problems: BTreeSet<ProblemCode>,
    /// The schemas of its bodies, and of all that they lead to.
    pub schemas: BTreeMap<String, Value>,
}

impl Operation {
    /// A body of a type.
    pub(super) fn json<T: ToSchema>(&mut self) -> Content {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        let schemas = schemas
            .into_iter()
            .map(|(name, schema)| (name, json!(schema)));
        self.schemas.extend(schemas);
        ("application/json", Some(T::name().into_owned()))
    }

    /// A problem that it can lead to.
    pub(super) fn can_be(&mut self, problems: &[ProblemCode]) {
        self.problems.extend(problems);
    }
}

/// What an extractor says of the routes that it stands at.
pub trait Extracted {
    /// Adds it.
    fn describe(operation: &mut Operation);
}

/// What a result says of the routes that give it.
pub trait Answered {
    /// Adds it.
    fn describe(operation: &mut Operation);
}

impl<T: Answered, E> Answered for Result<T, E> {
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

/// A handler that the contract can describe. `T` is as of axum's [`Handler`].
pub trait Documented<T> {
    /// What the contract says of it.
    fn operation() -> Operation;
}

/// Implements [`Documented`] for functions of some numbers of extractors.
macro_rules! documented {
    ($(($($extractor:ident),*))*) => {$(
        impl<H, Answer, M, $($extractor),*> Documented<(M, $($extractor,)*)> for H
        where
            H: Fn($($extractor),*) -> Answer,
            Answer: Future<Output: Answered>,
            $($extractor: Extracted,)*
        {
            fn operation() -> Operation {
                let mut operation = Operation::default();
                $($extractor::describe(&mut operation);)*
                <Answer::Output as Answered>::describe(&mut operation);
                operation
            }
        }
    )*};
}

documented! {
    ()
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, F)
}

/// Something that the routes of a function are declared to.
pub trait Declare<F>: Default {
    /// Adds a route: its key, such as `GET /sites/{site_id}`, its handler, and the problems that only its command has.
    #[must_use]
    fn add<T, H>(self, key: &'static str, handler: H, refusals: &'static [ProblemCode]) -> Self
    where
        H: Handler<T, Arc<F>, Future: Send> + Documented<T> + Sync,
        T: 'static;
}

/// The descriptions of a function's routes, by their keys.
#[derive(Debug, Default)]
pub struct Descriptions(pub Vec<(&'static str, Operation)>);

impl<F> Declare<F> for Descriptions {
    fn add<T, H>(mut self, key: &'static str, _: H, refusals: &'static [ProblemCode]) -> Self
    where
        H: Handler<T, Arc<F>, Future: Send> + Documented<T> + Sync,
        T: 'static,
    {
        let mut operation = H::operation();
        operation.can_be(refusals);
        self.0.push((key, operation));
        self
    }
}
