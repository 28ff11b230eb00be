//! What the contract says about a route, derived from its handler's signature: the extractors describe what a request
//! may have and which problems that can lead to, and the return type describes the answer.
//!
//! A deployed function uses none of these descriptions: it declares its routes to a collector that keeps only their
//! handlers. The local tools and the tests collect their [`Descriptions`].

use super::problem::ProblemCode;
use axum::handler::Handler;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::ToSchema;

/// The media type of a body and the name of its schema; a file has no schema.
pub type Content = (&'static str, Option<String>);

/// What a route takes and answers.
#[derive(Debug, Default)]
pub struct Operation {
    /// Its parameters, by their names in the contract.
    pub parameters: Vec<&'static str>,
    /// The forms of its request body.
    pub request: Vec<Content>,
    /// The status of a successful answer.
    pub status: u16,
    /// The forms of that answer.
    pub answer: Vec<Content>,
    /// Whether the answer may be a file to download.
    pub is_saved: bool,
    /// Whether it writes. If so, it takes an idempotency key, and its answer may be a replay.
    pub writes: bool,
    /// The problems that it can lead to.
    pub problems: BTreeSet<ProblemCode>,
    /// The schemas of its bodies, and all that they refer to.
    pub schemas: BTreeMap<String, Value>,
}

impl Operation {
    /// A JSON body of type `T`. Adds its schemas.
    pub(super) fn json<T: ToSchema>(&mut self) -> Content {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        let schemas = schemas
            .into_iter()
            .map(|(name, schema)| (name, json!(schema)));
        self.schemas.extend(schemas);
        ("application/json", Some(T::name().into_owned()))
    }

    /// Adds problems that it can lead to.
    pub(super) fn can_be(&mut self, problems: &[ProblemCode]) {
        self.problems.extend(problems);
    }
}

/// An extractor, which describes the requests of the routes that use it.
pub trait Extracted {
    /// Adds its description.
    fn describe(operation: &mut Operation);
}

/// A return type, which describes the answers of the routes that return it.
pub trait Answered {
    /// Adds its description.
    fn describe(operation: &mut Operation);
}

impl<T: Answered, E> Answered for Result<T, E> {
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

/// A handler that the contract can describe. `T` is that of axum's [`Handler`].
pub trait Documented<T> {
    /// What the contract says about it.
    fn operation() -> Operation;
}

/// Implements [`Documented`] for functions with the given numbers of extractors.
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
    (A, B, C, D, E, F, G)
}

/// A collector of the routes that a function declares.
pub trait Declare<F>: Default {
    /// Adds a route: its key, such as `GET /sites/{site_id}`, its handler, and the problems of its command.
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
