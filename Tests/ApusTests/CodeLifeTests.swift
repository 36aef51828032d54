import Apus
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

#if os(Linux)
    /// Row 31 of the failures that such systems have: no page can be written and executed, and
    /// code goes when nothing needs it any more.
    struct CodeLifeTests {
        /// How many mappings of the process, those of files aside, hold code; and those that can
        /// be written as well, whatever they are.
        private static func mappings() -> (code: Int, writable: [String]) {
            guard let file = unsafe fopen("/proc/self/maps", "r") else { return (0, []) }
            defer { unsafe fclose(file) }
            var line = [CChar](repeating: 0, count: 4096)
            var code = 0
            var writable: [String] = []
            while unsafe fgets(&line, Int32(line.count), file) != nil {
                let bytes = line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
                let text = String(decoding: bytes, as: UTF8.self)
                let fields = text.split(separator: " ")
                guard fields.count > 1, fields[1].contains("x") else { continue }
                if fields[1].contains("w") { writable.append(text) }
                let isOfFile = text.contains("/") && !text.contains("memfd")
                if !isOfFile, !text.contains("[v") { code += 1 }
            }
            return (code, writable)
        }

        private static let text = """
            (module (import "host" "f" (func $f (param i32 i64 f32 f64) (result i32)))
              (memory 1) (table 1 funcref) (elem (i32.const 0) $g)
              (func $g (param i32) (result i32)
                (memory.fill (i32.const 0) (local.get 0) (i32.const 100))
                (call $f (i32.load8_u (i32.const 50)) (i64.const 2) (f32.const 3) (f64.const 4)))
              (func (export "run") (param i32) (result i32)
                (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))
              (func (export "trap") unreachable))
            """

        @Test func codeIsNeverWritableAndGoesWithItsModule() async {
            await #expect(processExitsWith: .success) {
                let before = Self.mappings().code
                for compiler in [Engine.Compiler.baseline, .optimizing] {
                    var configuration = Engine.Configuration()
                    configuration.compiler = compiler
                    let engine = Engine(configuration)
                    var linker = Linker(engine)
                    var seen: [String] = []
                    linker.define("host", "f") { (a: Int32, b: Int64, c: Float, d: Double) in
                        a + Int32(b) + Int32(c) + Int32(d)
                    }
                    var instances: [Instance] = []
                    for _ in 0..<20 {
                        let module = try Module(engine, text: Self.text)
                        seen += Self.mappings().writable
                        let instance = try linker.instantiate(module, in: Store(engine))
                        let run = try instance.function("run", as: ((Int32) -> Int32).self)
                        #expect(try run(1) == 10)
                        let values = try instance.function("run").call(.i32(2))
                        #expect(values.map(\.description) == [Value.i32(11).description])
                        #expect(trap { _ = try instance.function("trap").call() } != nil)
                        seen += Self.mappings().writable
                        instances.append(instance)
                    }
                    #expect(seen.isEmpty, "\(seen)")
                    #expect(Self.mappings().code > before)
                    // A function alone keeps the code that it runs.
                    let last = try instances[7].function("run", as: ((Int32) -> Int32).self)
                    instances = []
                    #expect(try last(3) == 12)
                }
                #expect(Self.mappings().code == before)
            }
        }
    }
#endif
