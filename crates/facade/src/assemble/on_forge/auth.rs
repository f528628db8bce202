use core_types::{ErrorClass, GitProvider as _, PortError, RepositoryName};
use serde::Serialize;

use super::accounts::{Account, Accounts};
use crate::assemble::{
    Error, Home, Surroundings, open_forge, repositories::on_forges,
    request::configured_repositories,
};

/// A forge of the configuration, and what its token may do there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForgeAccess {
    /// Its name in the configuration.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// The login of the token's account, or why it is not known.
    pub login: Result<String, String>,
    /// What the token lacks everywhere, each with how to give it; empty where all is well, or the forge
    /// does not tell.
    pub missing: Vec<String>,
    /// Its repositories, in the order of the configuration.
    pub repositories: Vec<RepositoryAccess>,
}

/// A repository on a forge, and what the token may do with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepositoryAccess {
    /// Its name in the configuration.
    pub name: RepositoryName,
    /// Owner and name on the forge.
    pub slug: String,
    /// What a run needs and the token has not, each with how to give it; empty where all is well.
    pub missing: Vec<String>,
    /// What following issues needs beside, with how to give it.
    pub missing_for_serve: Option<String>,
}

/// Asks each forge of the configuration what our token may do.
///
/// # Errors
///
/// What is wrong with the configuration, or with where a token comes from. What a forge refuses is
/// in the answer.
///
/// # Cancel safety
///
/// Nothing is changed.
pub async fn forge_access(
    home: &Home,
    surroundings: &Surroundings,
) -> Result<Vec<ForgeAccess>, Error> {
    let Some(configured) = configured_repositories(home, surroundings)? else {
        return Ok(Vec::new());
    };
    let sources = on_forges(&configured, home)?;
    let local = open_forge(home, surroundings)?;
    let accounts = Accounts::open(&sources, None, local, home, surroundings).await?;
    let mut found: Vec<ForgeAccess> = Vec::new();
    for source in &sources {
        let Some((record, account)) = source.on_forge.as_ref().zip(accounts.get(&source.name))
        else {
            continue;
        };
        let words = Words::of(&record.kind);
        let known = found.iter().position(|it| it.name == record.name);
        let at = match known {
            Some(at) => at,
            None => {
                let login = account.forge.login().await;
                found.push(ForgeAccess {
                    name: record.name.clone(),
                    url: record.url.clone(),
                    login: login.map_err(|error| mend(&error, words.account)),
                    missing: missing_scopes(account).await,
                    repositories: Vec::new(),
                });
                found.len() - 1
            }
        };
        let (mut missing, mut missing_for_serve) = (Vec::new(), None);
        match account.repository.access().await {
            Err(error) => missing.push(mend(&error, words.read)),
            Ok(access) => {
                if !access.can_write {
                    let (role, write) = (words.role, words.write);
                    missing.push(format!(
                        "the account may not push; make it {role}, and give its token {write}"
                    ));
                }
                if words.asks_as_admin && !access.is_admin {
                    let why = "the forge tells an administrator alone who may write; make the account one of the repository";
                    missing_for_serve = Some(why.to_owned());
                }
                if let Some(setting) = words.fast_forward
                    && !access.allows_fast_forward
                {
                    missing.push(format!(
                        "the repository does not allow fast-forward merges; {setting}"
                    ));
                }
            }
        }
        // Whether it may write them shows only when it does.
        match account.repository.get_issue(1).await {
            Err(error) if error.class() != ErrorClass::NotFound => {
                missing.push(mend(&error, words.issues));
            }
            Ok(_) | Err(_) => {}
        }
        found[at].repositories.push(RepositoryAccess {
            name: source.name.clone(),
            slug: format!("{}/{}", record.owner, record.repo),
            missing,
            missing_for_serve,
        });
    }
    Ok(found)
}

/// What a kind of forge calls the things that a run needs.
struct Words {
    account: &'static str,
    read: &'static str,
    write: &'static str,
    issues: &'static str,
    /// Who may push.
    role: &'static str,
    /// How merges by fast-forward are allowed; `None` where no setting stands in their way.
    fast_forward: Option<&'static str>,
    /// Whether an administrator alone may ask who may write.
    asks_as_admin: bool,
}

impl Words {
    fn of(kind: &str) -> Self {
        match kind {
            "github" => Self {
                account: "the scope repo",
                read: "the scope repo, or read access to contents",
                write: "the scope repo, or write access to contents and pull requests",
                issues: "the scope repo, or write access to issues",
                role: "a collaborator who may write",
                fast_forward: None,
                asks_as_admin: false,
            },
            "gitlab" => Self {
                account: "the scope api",
                read: "the scope api",
                write: "the scope api",
                issues: "the scope api",
                role: "a member with the role Developer, or Maintainer where branches are protected",
                fast_forward: Some(
                    "set its merge method to \"Fast-forward merge\" and do not require squashing",
                ),
                asks_as_admin: false,
            },
            _ => Self {
                account: "the scope read:user",
                read: "the scope read:repository",
                write: "the scope write:repository",
                issues: "the scope write:issue",
                role: "a collaborator who may write",
                fast_forward: Some("allow \"Fast-forward only\" in its settings"),
                asks_as_admin: true,
            },
        }
    }
}

/// What the forge itself says that the token lacks. Where it cannot be asked, its account cannot be
/// either, and that says why.
async fn missing_scopes(account: &Account) -> Vec<String> {
    let missing = account.forge.missing_scopes().await.unwrap_or_default();
    let missing = missing.into_iter();
    missing
        .map(|scope| format!("the token lacks the scope {scope}; make one that has it"))
        .collect()
}

/// An error with what would mend it.
fn mend(error: &PortError, what: &str) -> String {
    let line = error.to_line();
    match error.class() {
        ErrorClass::Unauthorized | ErrorClass::NotFound => {
            format!("{line}; give the token {what}, and its account a right to read")
        }
        _ => line,
    }
}
