//! The program `automation`: the command line over the facade.

mod args;
mod commands;
mod end;
mod failure;
mod output;
mod progress;
mod session;
mod signals;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    let output = output::Output {
        is_json: arguments.json,
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("AUTOMATION_LOG"))
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return ExitCode::from(failure::end(output, &error.into())),
    };
    let code = runtime.block_on(async {
        match Box::pin(commands::dispatch(arguments)).await {
            Ok(code) => code,
            Err(error) => failure::end(output, &error),
        }
    });
    ExitCode::from(code)
}
