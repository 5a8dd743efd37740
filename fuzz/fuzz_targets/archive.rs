//! Archives: gzip, tar, names, nested archives. An input that is no gzip is taken for the tar within one.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let limits = chart::Limits::default();
    let packed;
    let data = if data.starts_with(&[0x1f, 0x8b]) {
        data
    } else {
        packed = whipstaff_fuzz::gzip(data);
        &packed
    };
    let _ = chart::read_archive(data, &limits);
    if let Ok(chart) = chart::load_archive(data, &limits) {
        let _ = chart::pack_chart(&chart);
    }
});
