//! The commands, a file each.

mod agents;
mod auth;
mod budget;
mod cost;
mod dashboard;
mod demo;
mod docs;
mod drive;
mod explain;
mod gates;
mod gc;
mod handoff;
mod init;
mod issue;
mod learn;
mod logs;
mod report;
mod repository;
mod run;
mod serve;
mod status;
mod top;

use anyhow::Result;

use crate::{
    args::{Arguments, Command},
    session::Session,
};

/// Does what the command line says; returns the exit code.
pub(crate) async fn dispatch(arguments: Arguments) -> Result<u8> {
    let session = Session::new(arguments.home, arguments.json)?;
    match arguments.command {
        Command::Init => init::init(&session).await,
        Command::Doctor => init::doctor(&session).await,
        Command::Agents(command) => Box::pin(agents::agents(session, command)).await,
        Command::Auth(command) => auth::auth(&session, command).await,
        Command::Issue(command) => issue::issue(&session, command).await,
        Command::Plan(arguments) => Box::pin(run::plan(session, arguments)).await,
        Command::Run(arguments) => Box::pin(run::run(session, arguments)).await,
        Command::Resume(arguments) => Box::pin(run::resume(session, arguments)).await,
        Command::Status(arguments) => status::status(&session, &arguments),
        Command::Logs(arguments) => logs::logs(&session, &arguments).await,
        Command::Explain(arguments) => explain::explain(&session, &arguments).await,
        Command::Top(arguments) => top::top(&session, &arguments).await,
        Command::Report(arguments) => report::report(&session, &arguments).await,
        Command::Dashboard(arguments) => dashboard::dashboard(&session, &arguments).await,
        Command::Serve(arguments) => Box::pin(serve::serve(session, arguments)).await,
        Command::Approve(arguments) => Box::pin(gates::approve(session, arguments)).await,
        Command::Answer(arguments) => Box::pin(handoff::answer(session, arguments)).await,
        Command::Retry(arguments) => Box::pin(handoff::retry(session, arguments)).await,
        Command::Skip(arguments) => Box::pin(handoff::skip(session, arguments)).await,
        Command::Land(arguments) => Box::pin(gates::land(session, arguments)).await,
        Command::Abort(arguments) => Box::pin(gates::abort(session, arguments)).await,
        Command::Cost(arguments) => cost::cost(&session, &arguments),
        Command::Budget(arguments) => budget::budget(&session, arguments).await,
        Command::Learn(command) => learn::learn(&session, command).await,
        Command::Gc(arguments) => gc::gc(&session, arguments).await,
        Command::Demo(arguments) => Box::pin(demo::demo(session, arguments)).await,
        Command::Docs(arguments) => docs::docs(session.output, arguments.page),
    }
}
