//! `kymo serve`: configuration, logs, signals, and the server itself.

use std::path::PathBuf;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{FAILED, Failure, Outcome, USAGE, say};
use crate::config::{self, Config, LogFormat, Overrides};
use crate::run::{listen, run, runtime};

/// Flags of `kymo serve`. Every key of the configuration can also be set by `--set` or by its `KYMO_*` variable.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// YAML configuration file.
    #[arg(long, value_name = "FILE", env = "KYMO_CONFIG")]
    config: Option<PathBuf>,
    /// Data directory (data_dir).
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address of the main listener (listen).
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Only the main listener, none of the other dialects' own ports.
    #[arg(long)]
    main_only: bool,
    /// Age from which samples are dropped (retention.time).
    #[arg(long, value_name = "DURATION")]
    retention_time: Option<String>,
    /// text or json (log.format).
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Level or filter (log.level).
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Any key: --set query.timeout=30s
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Features by Prometheus' names: --enable-feature promql-experimental-functions,search-api
    #[arg(long = "enable-feature", value_name = "NAME", value_delimiter = ',')]
    features: Vec<String>,
    /// Print the effective configuration and exit.
    #[arg(long)]
    print_config: bool,
}

impl ServeArgs {
    fn overrides(&self) -> Result<Overrides, Failure> {
        let mut overrides = Overrides::from_environment();
        for set in &self.sets {
            let Some((key, value)) = set.split_once('=') else {
                return Err(Failure::new(USAGE, format!("--set {set}: KEY=VALUE is expected")));
            };
            if config::keys::find(key).is_none() {
                return Err(Failure::new(USAGE, format!("--set {key}: unknown key")));
            }
            overrides.flags.insert(key.to_owned(), value.to_owned());
        }
        for feature in &self.features {
            let key = format!("features.{}", feature.replace('-', "_"));
            if config::keys::find(&key).is_none() {
                return Err(Failure::new(
                    USAGE,
                    format!("--enable-feature {feature}: unknown feature"),
                ));
            }
            overrides.flags.insert(key, "on".to_owned());
        }
        if self.main_only {
            for key in [
                "otlp.grpc_listen",
                "otlp.http_listen",
                "loki.listen",
                "tempo.listen",
                "jaeger.listen",
            ] {
                overrides.flags.insert(key.to_owned(), "off".to_owned());
            }
        }
        let flags = [
            ("data_dir", &self.data),
            ("listen", &self.listen),
            ("retention.time", &self.retention_time),
            ("log.format", &self.log_format),
            ("log.level", &self.log_level),
        ];
        for (key, value) in flags {
            if let Some(value) = value {
                overrides.flags.insert(key.to_owned(), value.clone());
            }
        }
        Ok(overrides)
    }
}

pub(crate) fn serve(args: &ServeArgs) -> Outcome {
    let config = config::load(args.config.as_deref(), &args.overrides()?)
        .map_err(|problems| Failure::new(USAGE, format!("the configuration is wrong:\n{problems}")))?;
    if args.print_config {
        say(config.to_yaml().trim_end());
        return Ok(());
    }
    init_logs(&config)?;
    let runtime = runtime().map_err(Failure::failed)?;
    runtime.block_on(async {
        let listeners = listen(&config).await?;
        let address = listeners.main.local_addr().map_err(Failure::failed)?;
        let of = |listener: &Option<TcpListener>| {
            let address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
            address.map_or_else(|| "off".to_owned(), |address| address.to_string())
        };
        tracing::info!(
            %address,
            otlp_grpc = of(&listeners.otlp_grpc),
            otlp_http = of(&listeners.otlp_http),
            tempo = of(&listeners.tempo),
            jaeger = of(&listeners.jaeger),
            version = env!("CARGO_PKG_VERSION"),
            "listening"
        );
        let stop = stop_signal()?;
        run(config, listeners, stop).await?;
        tracing::info!("stopped");
        Ok(())
    })
}

/// Resolves at SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let handler =
        |kind| signal(kind).map_err(|e| Failure::new(FAILED, format!("cannot handle signals: {e}")));
    let mut terminate = handler(SignalKind::terminate())?;
    let mut interrupt = handler(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn init_logs(config: &Config) -> Outcome {
    let filter = EnvFilter::try_new(&config.log.level).map_err(|e| Failure::new(USAGE, e.to_string()))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Text => builder
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
