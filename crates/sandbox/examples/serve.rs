//! Serves a sandbox on loopback: `cargo run -p whipstaff-sandbox --example serve -- 27050`, then
//! `kubectl --server http://127.0.0.1:27050 get all -A`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(27050), |p| p.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://127.0.0.1:{port}");
    sandbox::Sandbox::default().serve(listener).await?;
    Ok(())
}
