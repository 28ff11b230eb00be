//! The whole of Site Credits in one process: the functions' own handlers behind an HTTP server, over an embedded
//! engine that speaks DynamoDB.
//!
//! **Architecture invariant:** no rule and no condition lives here. Routes and the table come from
//! `template.yaml`; everything else that happens to a request is the functions' own doing.

pub mod appoint;
pub mod cli;
pub mod clock;
pub mod connector;
pub mod delivery;
pub mod demo;
pub mod engine;
pub mod faults;
pub mod folder;
pub mod functions;
pub mod gateway;
pub mod hosts;
pub mod issuer;
pub mod machine;
pub mod openapi;
pub mod schedule;
pub mod seed;
pub mod sns;
pub mod stream;
pub mod template;
pub mod verify;
pub mod welcome;
