//! The release record, its codec, and the ledger that keeps records
