import SwiftSyntaxMacrosGenericTestSupport
import Testing

@Suite struct WasmImportsTests {
    @Test func methodsBecomeDefinitions() {
        expectExpansion(
            of: """
                @WasmImports("env")
                struct Host {
                    func log(_ caller: Caller, start: Int32, _ count: Int32) throws {}
                    @WasmName("get-now") func now() -> Int64 { 7 }
                    func pause(milliseconds: Int32) async throws {}
                    private func helper(_ text: String) {}
                    static func make() -> Host { Host() }
                }
                """,
            """
            struct Host {
                func log(_ caller: Caller, start: Int32, _ count: Int32) throws {}
                func now() -> Int64 { 7 }
                func pause(milliseconds: Int32) async throws {}
                private func helper(_ text: String) {}
                static func make() -> Host { Host() }

                /// Gives its methods to those who import from "env".
                func define(in linker: inout Linker) {
                    linker.define("env", "log") { \
            (caller: Caller, start: Int32, count: Int32) throws -> Void in
                        try self.log(caller, start: start, count)
                    }
                    linker.define("env", "get-now") { () throws -> Int64 in
                        self.now()
                    }
                    linker.define("env", "pause") { \
            (_: Caller, milliseconds: Int32) async throws -> Void in
                        try await self.pause(milliseconds: milliseconds)
                    }
                }
            }
            """)
    }

    /// Names that Swift takes for its own, none at all, and a class for others to inherit from.
    @Test func parametersOfAllNames() {
        expectExpansion(
            of: """
                @WasmImports("env")
                open class Host {
                    func wait(for: Int32, _: Int64, at _: Float) {}
                }
                """,
            """
            open class Host {
                func wait(for: Int32, _: Int64, at _: Float) {}

                /// Gives its methods to those who import from "env".
                public func define(in linker: inout Linker) {
                    linker.define("env", "wait") { \
            (`for`: Int32, argument1: Int64, argument2: Float) throws -> Void in
                        self.wait(for: `for`, argument1, at: argument2)
                    }
                }
            }
            """)
    }

    @Test func theModuleIsALiteral() {
        expectExpansion(
            of: "@WasmImports(name) struct Host {}", "struct Host {}",
            [
                DiagnosticSpec(
                    message: "'@WasmImports' needs the name of the module that guests import "
                        + "from, as a string literal: @WasmImports(\"env\")", line: 1,
                    column: 1)
            ])
    }

    @Test func protocolsHaveNoMethodsToCall() {
        expectExpansion(
            of: "@WasmImports(\"env\") protocol Host {}", "protocol Host {}",
            [
                DiagnosticSpec(
                    message: "'@WasmImports' belongs to a struct, class, enum or actor, whose "
                        + "methods guests import", line: 1, column: 1)
            ])
    }

    @Test func theCallerIsFirst() {
        let source = """
            struct Host {
                func log(_ number: Int32, _ caller: Caller, isLoud: Bool) {}
            }
            """
        expectExpansion(
            of: "@WasmImports(\"env\")\n" + source, source,
            [
                DiagnosticSpec(
                    message: "the 'Caller' must be the first parameter of 'log'", line: 3,
                    column: 41),
                DiagnosticSpec(
                    message: "'Bool' is no type of WebAssembly: guests pass small integers "
                        + "and truth values as an i32, so 'Int32'", line: 3, column: 57,
                    fixIts: [FixItSpec(message: "use 'Int32'")]),
            ])
    }
}
