//! placeholder
pub(crate) struct Template;
impl Template {
    pub(crate) fn parse(_: &str) -> Result<Self, String> {
        Ok(Self)
    }
    pub(crate) fn execute(&self, _: &goyaml::Value, _: &mut Vec<u8>) -> Result<(), String> {
        Ok(())
    }
}
