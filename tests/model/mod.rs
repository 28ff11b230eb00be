//! A random model run: histories of every command, with faults and crashes, against a plain model.
//!
//! The model knows devices one by one and days one by one, and none of the system's own types for them. After every
//! command the site must be what the model says; after every history each device's due dates were charged once, and
//! the harness verifies the table.

mod carry_out;
mod checks;
mod crash;
mod expected;
mod site;
mod step;
mod world;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use step::steps;
use world::World;

/// How many histories each test runs, where `PROPTEST_CASES` does not say.
const HISTORIES: u32 = 1_000;

fn beginnings() -> impl Strategy<Value = Timestamp> {
    // Every day of a leap year and the year after, so that all ends of months are among the beginnings.
    (0_i64..730, 0_i64..24).prop_map(|(day, hour)| {
        let first: Timestamp = "2028-01-01T00:00:00Z".parse().unwrap();
        first + SignedDuration::from_hours(day * 24 + hour)
    })
}

fn run<S: Strategy>(strategy: &S, history: impl AsyncFn(S::Value))
where
    S::Value: std::fmt::Debug,
{
    let mut config = Config::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = HISTORIES;
    }
    config.max_shrink_iters = 2_000;
    // The runner prints the seed and the smallest history that fails.
    let done = TestRunner::new(config).run(strategy, |value| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(history(value));
        Ok(())
    });
    if let Err(error) = done {
        panic!("{error}");
    }
}

#[test]
fn histories_with_faults_agree_with_the_model() {
    run(&(beginnings(), steps()), async |(beginning, steps)| {
        let mut world = World::new(beginning).await;
        for (step, faults) in steps {
            world.commands += 1;
            let mut faults = faults.into_iter();
            world
                .system
                .wire
                .plan(move |_, _| faults.next().unwrap_or_default());
            world.step(&step).await;
            world.system.wire.quiet();
            world.agrees().await.unwrap();
        }
        world.charged_once().await;
        world.statements_are_whole().await;
        world.forgotten();
        world.accounts_agree().await;
    });
}

#[test]
fn histories_with_crashes_leave_each_command_done_or_not_done() {
    let moments = prop::collection::vec((any::<bool>(), 0_usize..4), 1..60);
    run(
        &(beginnings(), steps(), moments),
        async |(beginning, steps, moments)| {
            let mut world = World::new(beginning).await;
            for ((step, _), (after, request)) in steps.into_iter().zip(moments) {
                world.commands += 1;
                world.step_with_a_crash(&step, request, after).await;
                world.agrees().await.unwrap();
            }
            world.charged_once().await;
            world.statements_are_whole().await;
            world.forgotten();
            world.accounts_agree().await;
        },
    );
}
