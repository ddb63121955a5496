//! Dates as HTTP and Icecast's status write them, from the system's clock.

use std::time::{Duration, SystemTime};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECONDS_A_DAY: u64 = 86_400;

/// A moment in UTC, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    year: u64,
    /// 1 to 12.
    month: u64,
    /// 1 to 31.
    day: u64,
    /// Days since 1 January 1970, which was a Thursday.
    day_number: u64,
    /// Seconds since midnight.
    second: u64,
}

impl Date {
    /// Takes `time` apart; a time before 1970 counts as 1970.
    #[must_use]
    pub fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let day_number = since.as_secs() / SECONDS_A_DAY;
        let (year, month, day) = civil(day_number);
        Self { year, month, day, day_number, second: since.as_secs() % SECONDS_A_DAY }
    }

    /// `Tue, 02 Jan 2024 03:04:05 GMT`: RFC 9110 section 5.6.7.
    #[must_use]
    pub fn http(self) -> String {
        format!("{} GMT", self.words())
    }

    /// `Tue, 02 Jan 2024 03:04:05 +0000`, as Icecast's `server_start`.
    #[must_use]
    pub fn rfc2822(self) -> String {
        format!("{} +0000", self.words())
    }

    /// `2024-01-02T03:04:05+0000`, as Icecast's `server_start_iso8601`.
    #[must_use]
    pub fn iso8601(self) -> String {
        let (hour, minute, second) = self.clock();
        let Self { year, month, day, .. } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+0000")
    }

    /// `02/Jan/2024:03:04:05 +0000`, as in access logs.
    #[must_use]
    pub fn log(self) -> String {
        let (hour, minute, second) = self.clock();
        let (month, Self { year, day, .. }) = (name(&MONTHS, self.month - 1), self);
        format!("{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
    }

    fn words(self) -> String {
        let (hour, minute, second) = self.clock();
        let Self { year, day, .. } = self;
        let weekday = name(&DAYS, self.day_number % 7);
        let month = name(&MONTHS, self.month - 1);
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02}")
    }

    fn clock(self) -> (u64, u64, u64) {
        (self.second / 3600, self.second / 60 % 60, self.second % 60)
    }
}

fn name(names: &[&'static str], index: u64) -> &'static str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or("")
}

/// Year, month and day of a day number, by counting years from 1 March so that the leap day is a
/// year's last; 719,468 days lie between 1 March of the year 0 and 1 January 1970.
fn civil(day_number: u64) -> (u64, u64, u64) {
    let days = day_number + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * day + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let january_or_february = u64::from(month <= 2);
    (era * 400 + year + january_or_february, month, day - (153 * month_from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Date {
        Date::of(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn known_moments_are_written_as_the_standards_do() {
        assert_eq!(at(784_111_777).http(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at(1_704_164_645).rfc2822(), "Tue, 02 Jan 2024 03:04:05 +0000");
        assert_eq!(at(1_704_164_645).iso8601(), "2024-01-02T03:04:05+0000");
        assert_eq!(at(1_704_164_645).log(), "02/Jan/2024:03:04:05 +0000");
        assert_eq!(at(0).http(), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn leap_days_and_century_ends_are_right() {
        assert_eq!(at(1_709_164_800).iso8601(), "2024-02-29T00:00:00+0000");
        assert_eq!(at(951_782_400).iso8601(), "2000-02-29T00:00:00+0000");
        assert_eq!(at(4_107_542_400).iso8601(), "2100-03-01T00:00:00+0000");
        assert_eq!(at(1_735_689_599).iso8601(), "2024-12-31T23:59:59+0000");
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut before = civil(0);
        for day in 1..146_097 {
            let now = civil(day);
            let next_day = now == (before.0, before.1, before.2 + 1) && now.2 <= 31;
            let next_month = now == (before.0, before.1 + 1, 1) && before.2 >= 28;
            let next_year = now == (before.0 + 1, 1, 1) && (before.1, before.2) == (12, 31);
            assert!(next_day || next_month || next_year, "{before:?} {now:?}");
            before = now;
        }
    }
}
