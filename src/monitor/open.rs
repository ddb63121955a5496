//! Opening: from the name of a place to the sink that plays there.

use super::{Fault, Sink, exec::Exec, tcp::Tcp, wav::Wav};
use crate::config::SinkSpec;

/// Opens the sink that `spec` names.
///
/// # Errors
/// [`Fault`] says whether it may be there later.
pub fn open(spec: &SinkSpec) -> Result<Box<dyn Sink>, Fault> {
    spec.check()
        .map_err(|error| Fault::Unusable { what: spec.name(), reason: error.to_string() })?;
    match spec {
        SinkSpec::Exec { command } => Ok(Box::new(Exec::open(command)?)),
        SinkSpec::Wav { file } => Ok(Box::new(Wav::open(file)?)),
        SinkSpec::Tcp { host, port } => Ok(Box::new(Tcp::open(host, *port)?)),
        #[cfg(windows)]
        SinkSpec::WaveOut => super::waveout::open(),
        #[cfg(all(target_os = "linux", feature = "alsa"))]
        SinkSpec::Alsa { device } => Ok(Box::new(super::alsa::Alsa::open(device)?)),
        // The check has refused the others.
        #[allow(unreachable_patterns)]
        other => {
            let reason = "this program was built without it".to_owned();
            Err(Fault::Unusable { what: other.name(), reason })
        }
    }
}
