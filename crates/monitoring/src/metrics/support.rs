//! What the code written by the `measure_…` attributes calls. Not for use by hand: it changes with them.

use std::marker::PhantomData;

use super::{
    MetricsCollector, Status,
    measure::{Measure, Measured},
};

/// A measurement that has begun.
#[derive(Debug)]
pub struct Begun(Measure<'static>);

/// Begins to measure a stage.
#[must_use]
pub fn stage(stage: &'static str) -> Begun {
    begin(Measured::Stage(stage))
}

/// Begins to measure a call.
#[must_use]
pub fn call(provider: &'static str, method: &'static str) -> Begun {
    begin(Measured::Call(provider, method))
}

/// Begins to measure a task.
#[must_use]
pub fn task(task_type: &'static str) -> Begun {
    begin(Measured::Task(task_type))
}

fn begin(what: Measured<'static>) -> Begun {
    Begun(Measure::start(MetricsCollector::metrics(), what))
}

impl Begun {
    /// Counts the end.
    pub fn end(self, status: Status) {
        self.0.end(status);
    }
}

/// Finds out by method lookup whether what was returned is a `Result`: [`OfResult`] comes first where
/// it applies, whatever name the type has.
#[derive(Debug)]
pub struct Probe<'a, R>(&'a R, PhantomData<R>);

impl<'a, R> Probe<'a, R> {
    /// A probe of this value.
    pub fn new(returned: &'a R) -> Self {
        Self(returned, PhantomData)
    }
}

/// For a `Result`.
pub trait OfResult {
    /// Whether it is `Ok`.
    fn status(&self) -> Status;
}

impl<T, E> OfResult for Probe<'_, Result<T, E>> {
    fn status(&self) -> Status {
        Status::of(self.0)
    }
}

/// For all others.
pub trait OfAny {
    /// Who returns has not failed.
    fn status(&self) -> Status;
}

impl<R> OfAny for &Probe<'_, R> {
    fn status(&self) -> Status {
        Status::Success
    }
}

/// Tells a type and is never called.
///
/// # Panics
///
/// Always.
#[must_use]
pub fn of_type<T>() -> T {
    unreachable!("the code written by the attributes never calls it")
}
