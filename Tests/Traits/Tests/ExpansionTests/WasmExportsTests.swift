import SwiftSyntaxMacrosGenericTestSupport
import Testing

@Suite struct WasmExportsTests {
    @Test func aProtocolGetsAClient() {
        expectExpansion(
            of: """
                @WasmExports
                public protocol Calculator {
                    func add(_ left: Int32, to right: Int32) throws -> Int32
                    @WasmName("get-both") func both() async throws -> (Int32, Int64)
                }
                """,
            """
            public protocol Calculator {
                func add(_ left: Int32, to right: Int32) throws -> Int32
                func both() async throws -> (Int32, Int64)
            }

            /// What a guest exports, as `Calculator` has it.
            public struct CalculatorClient: Calculator {
                /// The guest.
                public let instance: Instance
                private let function0: TypedFunction<Int32, Int32, Int32>
                private let function1: TypedFunction<(Int32, Int64)>

                /// Looks up what `instance` exports.
                ///
                /// - Throws: `ExportError` if something is missing, or has another type.
                public init(_ instance: Instance) throws {
                    self.instance = instance
                    function0 = try instance.function("add", as: ((Int32, Int32) -> Int32).self)
                    function1 = try instance.function("get-both", \
            as: (() -> (Int32, Int64)).self)
                }

                public func add(_ left: Int32, to right: Int32) throws -> Int32 {
                    try function0(left, right)
                }

                public func both() async throws -> (Int32, Int64) {
                    try await function1.callAsync()
                }
            }
            """)
    }

    /// Names that Swift takes for its own, none at all, and attributes with their module.
    @Test func parametersOfAllNames() {
        expectExpansion(
            of: """
                @WasmExports
                protocol Odd {
                    func wait(for: Int32, _: Int64, at _: Float) throws
                    @ApusMacros.WasmName("get-it") func get(_ `in`: Int32) throws
                }
                """,
            """
            protocol Odd {
                func wait(for: Int32, _: Int64, at _: Float) throws
                @ApusMacros.WasmName("get-it") func get(_ `in`: Int32) throws
            }

            /// What a guest exports, as `Odd` has it.
            struct OddClient: Odd {
                /// The guest.
                let instance: Instance
                private let function0: TypedFunction<Void, Int32, Int64, Float>
                private let function1: TypedFunction<Void, Int32>

                /// Looks up what `instance` exports.
                ///
                /// - Throws: `ExportError` if something is missing, or has another type.
                init(_ instance: Instance) throws {
                    self.instance = instance
                    function0 = try instance.function("wait", \
            as: ((Int32, Int64, Float) -> Void).self)
                    function1 = try instance.function("get-it", as: ((Int32) -> Void).self)
                }

                func wait(for: Int32, _ argument1: Int64, at argument2: Float) throws {
                    try function0(`for`, argument1, argument2)
                }

                func get(_ `in`: Int32) throws {
                    try function1(`in`)
                }
            }
            """)
    }

    @Test func onlyProtocolsHaveClients() {
        expectExpansion(
            of: "@WasmExports struct Calculator {}", "struct Calculator {}",
            [
                DiagnosticSpec(
                    message: "'@WasmExports' belongs to a protocol, whose functions are those "
                        + "that a guest exports", line: 1, column: 1)
            ])
    }

    @Test func callsMayTrap() {
        let source = """
            protocol Calculator {
                func add(_ left: Int32, _ right: Int32) -> Int32
            }
            """
        expectExpansion(
            of: "@WasmExports\n" + source, source,
            [
                DiagnosticSpec(
                    message: "'add' must be 'throws', since a guest may trap in any call",
                    line: 3, column: 10, fixIts: [FixItSpec(message: "add 'throws'")])
            ],
            fixed: """
                @WasmExports
                protocol Calculator {
                    func add(_ left: Int32, _ right: Int32) throws -> Int32
                }
                """)
    }

    @Test func typesAreThoseOfWebAssembly() {
        let source = """
            protocol Texts {
                func count(_ text: String) throws -> Int
            }
            """
        expectExpansion(
            of: "@WasmExports\n" + source, source,
            [
                DiagnosticSpec(
                    message: "'String' is no type of WebAssembly: pass where it is in the "
                        + "guest's memory and how many bytes it has, as two 'Int32', or call "
                        + "the guest through a 'Sandbox'", line: 3, column: 24),
                DiagnosticSpec(
                    message: "'Int' is no type of WebAssembly: an i32 is an 'Int32', an i64 "
                        + "an 'Int64'", line: 3, column: 42,
                    fixIts: [FixItSpec(message: "use 'Int32'")]),
            ])
    }

    @Test func whatElseAProtocolMayHaveIsNoFunction() {
        let source = """
            protocol Calculator {
                var total: Int32 { get }
                static func make() throws
                func apply<Number>(_ number: Number) throws
                func swap(_ left: inout Int32) throws
                func sum(_ numbers: Int32...) throws
                func wait() throws(Trap)
                func tell(_ caller: Caller) throws
                func wait(_ time: Int64) throws
            }
            """
        func problem(_ message: String, _ line: Int, _ column: Int) -> DiagnosticSpec {
            DiagnosticSpec(message: message, line: line, column: column)
        }
        expectExpansion(
            of: "@WasmExports\n" + source, source,
            [
                problem(
                    "a client calls functions of a guest, so its protocol can have nothing "
                        + "else",
                    3, 5),
                problem(
                    "'make' cannot be static: a guest's functions belong to an instance", 4, 5),
                problem(
                    "'apply' cannot be generic: a function of WebAssembly has one type", 5, 15),
                problem(
                    "a parameter of 'swap' cannot be 'inout': WebAssembly passes values", 6,
                    23),
                problem(
                    "a parameter of 'sum' cannot be variadic: WebAssembly passes values", 7,
                    30),
                problem(
                    "'wait' must be 'throws' without a type, since a call may end in a trap, "
                        + "or in whatever a function of the host throws", 8, 17),
                problem(
                    "'Caller' is no type of WebAssembly: it is for functions that guests "
                        + "import ('@WasmImports')", 9, 25),
                problem(
                    "there is more than one function 'wait', and WebAssembly tells them apart "
                        + "by name alone; give one of them another name with '@WasmName'", 10,
                    10),
            ])
    }
}
