import ApusTestSupport
import ApusWASI
import Testing

@Suite struct CapturedOutputMirrorTests {
    /// What is kept for guests is not read without its lock, nor shown byte by byte.
    @Test func contentsAreNotShown() throws {
        let files = MemoryFileSystem()
        for value in [CapturedOutput(), StreamedOutput(), files] as [Any] {
            #expect(Mirror(reflecting: value).children.allSatisfy { $0.value is Int })
        }
    }
}
