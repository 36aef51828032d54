import Testing

@testable import Apus

/// Names of a backtrace, as they stand in sources.
@Suite struct SourceNamesTests {
    @Test func onlySoMuchIsRead() {
        var names = SourceNames(bytes: 16)
        #expect(names.demangled("_Z3foov") == "foo()")
        #expect(names.demangled("_Z3barv") == "bar()")
        // What is known takes nothing, and what is no such name neither.
        #expect(names.demangled("_Z3foov") == "foo()")
        #expect(names.demangled("plain") == "plain")
        #expect(names.demangled("_Z3bazv") == "_Z3bazv")
        #expect(names.ifMangled("_Z3barv") == "bar()")
    }
}
