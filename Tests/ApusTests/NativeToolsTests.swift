#if os(Linux)
    import Apus
    import Foundation
    import Glibc
    import Testing

    /// What tools are told that know native code only. What they make of it is tested with the
    /// command (`NativeToolTests`).
    @Suite struct NativeToolsTests {
        private static let text = """
            (module
              (import "host" "look" (func $look (param i32 i64 f64) (result i32)))
              (func $inner (param i32) (result i32)
                (call $look (local.get 0) (i64.const 2) (f64.const 3)))
              (func (export "outer") (param i32) (result i32)
                (i32.add (call $inner (local.get 0)) (i32.const 1))))
            """

        /// The return addresses that the platform finds from a function of the host on.
        private func addresses(
            _ tools: Engine.NativeTools, _ compiler: Engine.Compiler
        ) throws -> [UInt] {
            var configuration = Engine.Configuration()
            configuration.compiler = compiler
            configuration.nativeTools = tools
            let engine = Engine(configuration)
            nonisolated(unsafe) var found: [UInt] = []
            var linker = Linker(engine)
            linker.define("host", "look") { (a: Int32, b: Int64, c: Double) -> Int32 in
                unsafe found = Self.backtrace()
                return a + Int32(b) + Int32(c)
            }
            let module = try Module(engine, text: Self.text)
            let instance = try linker.instantiate(module, in: Store(engine))
            let outer = try instance.function("outer", as: ((Int32) -> Int32).self)
            #expect(try outer(1) == 7)
            return unsafe found
        }

        /// What `backtrace()` finds, which Swift does not see.
        private static func backtrace() -> [UInt] {
            typealias Function = @convention(c) (UnsafeMutablePointer<UInt>, Int32) -> Int32
            guard let symbol = unsafe dlsym(nil, "backtrace") else { return [] }
            let function = unsafe unsafeBitCast(symbol, to: Function.self)
            var buffer = [UInt](repeating: 0, count: 128)
            let count = unsafe function(&buffer, 128)
            return Array(buffer.prefix(Int(count)))
        }

        /// Whether an address is in a file that is loaded.
        private func isInFile(_ address: UInt) -> Bool {
            typealias Function = @convention(c) (UInt, UnsafeMutablePointer<UInt>) -> Int32
            guard let symbol = unsafe dlsym(nil, "dladdr") else { return false }
            let function = unsafe unsafeBitCast(symbol, to: Function.self)
            // Two names and two addresses.
            var information = [UInt](repeating: 0, count: 4)
            return unsafe function(address, &information) != 0
        }

        @Test(arguments: [Engine.Compiler.baseline, .optimizing])
        func unwindingThroughGuests(compiler: Engine.Compiler) throws {
            let known = try addresses([.unwinding], compiler)
            // The host's closure, then a trampoline, two guests and another trampoline, then the
            // host again.
            let first = try #require(known.firstIndex { !isInFile($0) })
            let after = known[first...].drop { !isInFile($0) }
            #expect(known[first...].prefix { !isInFile($0) }.count == 4)
            #expect(after.count > 3)
            let unknown = try addresses([], compiler)
            #expect(unknown.count < known.count)
        }

        @Test func codeThatGoesIsForgotten() throws {
            for _ in 0..<50 {
                _ = try addresses([.unwinding, .debugger], .baseline)
                _ = try addresses([.unwinding, .debugger], .tiered)
            }
        }
    }
#endif
