//! Errors as people read them, and their exit codes.

use facade::{assemble::Error, core_types::ErrorClass, engine_workflow};

use crate::output::{Output, error_line};

/// Done.
pub(crate) const DONE: u8 = 0;
/// Something failed.
pub(crate) const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub(crate) const USAGE: u8 = 2;
/// The budget does not allow it.
pub(crate) const BUDGET: u8 = 4;
/// Some repositories landed and others did not.
pub(crate) const PARTIAL: u8 = 5;
/// A person or a shutdown interrupted it; the run is paused.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit code of an error, by its class.
fn exit_code(class: ErrorClass) -> u8 {
    match class {
        ErrorClass::Validation | ErrorClass::NotFound => USAGE,
        ErrorClass::UnknownOutcome => 3,
        ErrorClass::BudgetExceeded => BUDGET,
        ErrorClass::Cancelled => INTERRUPTED,
        _ => FAILED,
    }
}

/// Prints what failed, then its causes, then what to do; returns the exit code.
pub(crate) fn report(error: &anyhow::Error) -> u8 {
    error_line(format!("error: {error}"));
    for cause in error.chain().skip(1) {
        error_line(format!("  because {cause}"));
    }
    let known = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Error>());
    if let Some(hint) = known.and_then(Error::hint) {
        error_line(format!("hint: {hint}"));
    }
    match known {
        Some(Error::Workflow(engine_workflow::Error::CutOff { .. })) => PARTIAL,
        Some(error) => exit_code(error.class()),
        None => FAILED,
    }
}

/// Ends the program with an error: as [`report`], and as JSON where that was asked for.
pub(crate) fn end(output: Output, error: &anyhow::Error) -> u8 {
    let exit_code = report(error);
    let lines: Vec<_> = error.chain().map(ToString::to_string).collect();
    let document = serde_json::json!({ "exit_code": exit_code, "error": lines.join(": ") });
    match output.json(&document) {
        Ok(()) => exit_code,
        Err(_) => FAILED,
    }
}
