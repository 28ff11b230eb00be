//! The schemas of the domain types that appear in requests and answers. The domain itself does not know the contract.
//!
//! Their descriptions are with the rest of the contract's prose (`prose.yaml`). A schema that nothing refers to is left
//! out of the contract.

mod entries;
mod forms;
mod history;
mod parameters;
mod problem;
mod rules;
mod types;

pub use forms::to;
pub use parameters::parameters;
pub use rules::rules;
pub use types::all;
pub(super) use types::*;
