use std::{fs, fs::File, io::*, time::Instant};
use bundle::{BundleOptions,Recipients,Certificate,PrivateKey,Manifest,Limits,PartSink,Part,SparseSink,unbundle};
struct Dir(std::path::PathBuf, Option<File>);
impl PartSink for Dir {
    fn begin(&mut self, _: usize, n: &str) -> Result<()> { self.1 = Some(File::create(self.0.join(n))?); Ok(()) }
    fn write(&mut self, b: &[u8]) -> Result<()> { self.1.as_mut().unwrap().write_all(b) }
    fn end(&mut self, _: &Part, _: u64) -> Result<()> { Ok(()) }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let g = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/golden/keys/");
    let pem = |n: &str| fs::read(format!("{g}{n}")).unwrap();
    let cert = Certificate::from_pem(&pem("user-cert.pem")).unwrap();
    let key = PrivateKey::from_pem(&pem("user-pk.pem")).unwrap();
    let dir = std::path::PathBuf::from(&a[2]);
    fs::create_dir_all(&dir).unwrap();
    let t = Instant::now();
    let f = File::open(&a[1]).unwrap();
    let size = f.metadata().unwrap().len();
    let b = bundle::bundle(f, size, &BundleOptions::new("i", "x86_64", "1"), &Recipients { cloud: &cert, user: Some(&cert), signer: Some(&key) }, &mut Dir(dir.clone(), None), &mut |_| {}).unwrap();
    eprintln!("bundle {:?} {} MB -> {} MB", t.elapsed(), size >> 20, b.bundled_size >> 20);
    let m = Manifest::parse(&b.manifest, &Limits::default()).unwrap();
    let k = m.any_symmetric_key(&key).unwrap();
    let t = Instant::now();
    let d2 = dir.clone();
    let mut src = move |_: usize, p: &Part| -> Result<Box<dyn Read + Send>> { Ok(Box::new(File::open(d2.join(&p.filename))?)) };
    let mut sink = SparseSink::new(File::create(dir.join("out")).unwrap());
    unbundle(&m, &k, &mut src, &mut sink, &mut |_| {}).unwrap();
    sink.finish().unwrap();
    eprintln!("unbundle {:?}", t.elapsed());
    let parts: Vec<String> = m.parts.iter().map(|p| format!("{}/{}", a[2], p.filename)).collect();
    let t = Instant::now();
    let s = format!("cat {} | openssl enc -d -aes-128-cbc -K {} -iv {} | gunzip | tar xO > {}/out2", parts.join(" "), hex::encode(k.key()), hex::encode(k.iv()), a[2]);
    assert!(std::process::Command::new("sh").args(["-c", &s]).status().unwrap().success());
    eprintln!("shell {:?}", t.elapsed());
}
