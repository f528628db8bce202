use core_types::{ErrorClass, GitProvider as _, PortError, RepositoryName};
use serde::Serialize;

use super::accounts::Accounts;
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
        let known = found.iter().position(|it| it.name == record.name);
        let at = match known {
            Some(at) => at,
            None => {
                let login = account.forge.login().await;
                found.push(ForgeAccess {
                    name: record.name.clone(),
                    url: record.url.clone(),
                    login: login.map_err(|error| mend(&error, "read:user")),
                    repositories: Vec::new(),
                });
                found.len() - 1
            }
        };
        let mut missing = Vec::new();
        match account.repository.access().await {
            Err(error) => missing.push(mend(&error, "read:repository")),
            Ok(access) => {
                if !access.can_write {
                    missing.push(
                        "the account may not push; make it a collaborator who may write, and give \
                         its token the scope write:repository"
                            .to_owned(),
                    );
                }
                if !access.allows_fast_forward {
                    missing.push(
                        "the repository does not allow fast-forward merges; allow \"Fast-forward \
                         only\" in its settings"
                            .to_owned(),
                    );
                }
            }
        }
        // Whether it may write them shows only when it does.
        match account.repository.get_issue(1).await {
            Err(error) if error.class() != ErrorClass::NotFound => {
                missing.push(mend(&error, "write:issue"));
            }
            Ok(_) | Err(_) => {}
        }
        found[at].repositories.push(RepositoryAccess {
            name: source.name.clone(),
            slug: format!("{}/{}", record.owner, record.repo),
            missing,
        });
    }
    Ok(found)
}

/// An error with the scope that would mend it.
fn mend(error: &PortError, scope: &str) -> String {
    let line = error.to_line();
    match error.class() {
        ErrorClass::Unauthorized | ErrorClass::NotFound => {
            format!("{line}; give the token the scope {scope}, and its account a right to read")
        }
        _ => line,
    }
}
