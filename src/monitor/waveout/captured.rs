//! The real winmm, with what it plays captured: `tests/windows/run` runs these under wine.
//!
//! Each is ignored elsewhere, because it needs a machine whose devices are arranged for it.

#[cfg(test)]
mod tests {
    use std::{
        env, fs,
        sync::{Mutex, PoisonError},
        time::{Duration, Instant},
    };

    use crate::monitor::{
        Fault,
        pcm::{Frame, Unpacker},
        waveout::{
            Shape, left_behind,
            noise::{noise, sounding},
            open, open_with,
        },
    };

    /// There is one device and one capture of it.
    static DEVICE: Mutex<()> = Mutex::new(());

    /// What the device has played since it was opened last, from its first sound on. The file holds
    /// frames as a sink takes them.
    fn captured() -> Vec<Frame> {
        let path = env::var("WAVEOUT_CAPTURE").expect("where the sound is captured");
        let mut frames = Vec::new();
        Unpacker::default().put(&fs::read(path).unwrap(), &mut frames);
        let begin = frames.iter().position(|frame| *frame != [0, 0]).unwrap_or(frames.len());
        frames.split_off(begin)
    }

    /// Takes of a minute: the device here plays four times as fast as a real one, so that a machine that
    /// holds the writer up for 50 ms makes an underrun, and one that holds wine up makes it play silence
    /// of its own, in whole periods of 10 ms and even within a block. About one minute in six has some
    /// on a busy machine.
    const TAKES: u32 = 3;

    /// Plays a minute of noise through a queue of this shape, and compares what came out: the frames in
    /// every take, and nothing between them in one of the takes.
    fn a_minute_through(shape: Shape) {
        let _alone = DEVICE.lock().unwrap_or_else(PoisonError::into_inner);
        let sound = noise(60, 60 * 44_100);
        for take in 1..=TAKES {
            let begun = Instant::now();
            let mut sink = open_with(shape).unwrap();
            // 26.1 ms, as a decoder of MP3 has it: no multiple of a block.
            for frames in sound.chunks(1_152) {
                sink.write(frames).unwrap();
            }
            sink.finish().unwrap();
            let underruns = sink.underruns();
            drop(sink);
            let seconds = begun.elapsed().as_secs_f64();
            println!("{shape:?}, take {take}: {seconds:.1} s, {underruns} underruns");
            let heard = captured();
            let heard = sounding(&heard);
            if heard == sound && underruns == 0 {
                return;
            }
            // Whoever had to wait, the player or wine itself, played silence there and nothing else.
            let heard = heard.iter().filter(|frame| **frame != [0, 0]);
            assert!(heard.eq(sound.iter().filter(|frame| **frame != [0, 0])));
        }
        panic!("no take of {TAKES} without silence in it");
    }

    #[test]
    #[ignore = "needs wine, its sound captured: tests/windows/run"]
    fn a_minute_of_noise_comes_out_exactly_through_two_blocks() {
        a_minute_through(Shape::new(2, 4_410));
    }

    #[test]
    #[ignore = "needs wine, its sound captured: tests/windows/run"]
    fn a_minute_of_noise_comes_out_exactly_through_four_blocks() {
        a_minute_through(Shape::default());
    }

    #[test]
    #[ignore = "needs wine, its sound captured: tests/windows/run"]
    fn a_minute_of_noise_comes_out_exactly_through_eight_blocks() {
        a_minute_through(Shape::new(8, 1_102));
    }

    #[test]
    #[ignore = "needs wine, its sound captured: tests/windows/run"]
    fn a_device_that_is_dropped_while_it_plays_gives_its_blocks_back_and_opens_again() {
        let _alone = DEVICE.lock().unwrap_or_else(PoisonError::into_inner);
        let (sound, before) = (noise(9, 44_100), left_behind());
        for round in 1..=10 {
            let mut sink = open().unwrap();
            // Paused with a part of the queue; full and playing; playing with a part of a block.
            sink.write(&sound[..round * 1_500]).unwrap();
            let begun = Instant::now();
            drop(sink);
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        }
        assert_eq!(left_behind(), before);
        let mut sink = open().unwrap();
        sink.write(&sound).unwrap();
        sink.finish().unwrap();
        assert!(sounding(&captured()) == sound);
    }

    #[test]
    #[ignore = "needs wine, its sound captured: tests/windows/run"]
    fn a_pause_in_the_writing_loses_nothing() {
        let _alone = DEVICE.lock().unwrap_or_else(PoisonError::into_inner);
        let sound = noise(13, 44_100);
        let mut sink = open().unwrap();
        sink.write(&sound[..22_050]).unwrap();
        std::thread::sleep(Duration::from_millis(1_300));
        sink.write(&sound[22_050..]).unwrap();
        sink.finish().unwrap();
        assert_eq!(sink.underruns(), 1);
        let heard = captured();
        // Nothing but the gap lies between the parts.
        let heard: Vec<Frame> = heard.into_iter().filter(|frame| *frame != [0, 0]).collect();
        assert!(heard == sound, "{} frames of {}", heard.len(), sound.len());
    }

    #[test]
    #[ignore = "needs wine without a device: tests/windows/run"]
    fn a_machine_without_a_device_is_told_so() {
        let fault = open().err().expect("there is no device");
        assert!(matches!(fault, Fault::Unavailable { .. }), "{fault:?}");
        let said = fault.to_string();
        println!("{said}");
        assert!(said.contains("waveOutOpen says 2 (BADDEVICEID): "), "{said}");
        assert!(said.contains("Connect a sound device"), "{said}");
    }

    #[test]
    #[ignore = "it needs a device that is taken away: tests/windows/run"]
    fn a_device_that_is_taken_away_is_lost_in_time() {
        let sound = noise(17, 44_100);
        let mut sink = open().unwrap();
        let begun = Instant::now();
        let fault = loop {
            let write = Instant::now();
            match sink.write(&sound) {
                Err(fault) => break fault,
                Ok(()) => assert!(begun.elapsed() < Duration::from_secs(20), "it plays on"),
            }
            assert!(write.elapsed() < Duration::from_secs(3), "{:?}", write.elapsed());
        };
        println!("{fault}");
        assert!(matches!(fault, Fault::Lost { .. }), "{fault:?}");
        let begun = Instant::now();
        assert!(sink.finish().is_err());
        drop(sink);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        println!("{} blocks were left behind", left_behind());
    }
}
