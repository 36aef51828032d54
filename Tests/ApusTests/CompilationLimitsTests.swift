import Apus
import ApusText
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What compiling a module may take, and what stops it.
struct CompilationLimitsTests {
    /// Two functions that call each other with a thousand values: two bytes of the module become
    /// 20 kB of code.
    private static func wide(calls: Int) -> String {
        let types = String(repeating: " i32", count: 1000)
        return """
            (module
              (func $f (param\(types)) (result\(types))
                \((0..<1000).map { "(local.get \($0))" }.joined(separator: " ")))
              (func (export "run") (local i32)
                \(String(repeating: "(local.get 0) ", count: 1000))
                \(String(repeating: "(call $f) ", count: calls))
                \(String(repeating: "(drop) ", count: 1000))))
            """
    }

    /// Those that compile a module when it is loaded.
    private static let compilers: [Engine.Compiler] = [.baseline, .optimizing]

    private static func engine(
        _ compiler: Engine.Compiler, threads: Int? = nil, codeBytes: Int? = nil
    ) -> Engine {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.compilationThreads = threads
        configuration.limits.codeBytes = codeBytes
        return Engine(configuration)
    }

    private static func error(_ work: () throws -> Void) -> (any Error)? {
        do {
            try work()
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: compilers)
    func codeIsBoundedByTheModule(compiler: Engine.Compiler) throws {
        let module = try Module(Self.engine(compiler), text: Self.wide(calls: 20))
        try Instance(Store(module.engine), module).function("run", as: (() -> Void).self)()
        let error = Self.error {
            _ = try Module(Self.engine(compiler), text: Self.wide(calls: 4000))
        }
        let refusal = try #require(error as? ResourceError)
        #expect(refusal.resource == .moduleCode)
        #expect(refusal.description.hasPrefix("machine code of the module: "))
    }

    /// Where a callee is taken in and there is no more room for the table of its branches.
    @Test(arguments: [43, 47, 51])
    func functionsThatBecomeTooLargeAreLeftOut(multiplications: Int) throws {
        let locals = (1...60).map { number in
            "(local.set \(number) (i32.add (local.get 0) (i32.const \(number))))"
        }
        let products = (0..<multiplications).map { number in
            "(drop (i32.mul (local.get 0) (i32.const \(1_000_003 + 2 * number))))"
        }
        let text = """
            (module
              (func $callee (param i32)
                (block (block (block (block
                  (local.get 0) (br_table \(String(repeating: "3 ", count: 23))))))))
              (func (export "f") (param i32) (result i32)
                (local \(String(repeating: "i32 ", count: 60)))
                (block
                  \(locals.joined(separator: " "))
                  (local.get 0) (br_table \(String(repeating: "0 ", count: 8193))))
                \(products.joined(separator: " "))
                (call $callee (local.get 0))
                \(String(repeating: "nop ", count: 15_000))
                (local.get 0)))
            """
        let module = try Module(Self.engine(.optimizing), text: text)
        let function = try Instance(Store(module.engine), module).function(
            "f", as: ((Int32) -> Int32).self)
        #expect(try function(5) == 5)
    }

    @Test(arguments: compilers)
    func codeHasALimitOfItsOwn(compiler: Engine.Compiler) throws {
        let error = Self.error {
            let engine = Self.engine(compiler, codeBytes: 100_000)
            _ = try Module(engine, text: Self.wide(calls: 20))
        }
        #expect((error as? ResourceError)?.limit == 100_000)
        let engine = Self.engine(compiler, codeBytes: 100_000)
        _ = try Module(engine, text: "(module (func))")
    }

    /// All functions together have the limit, on however many threads they are compiled.
    @Test(arguments: [1, 4])
    func functionsShareTheLimit(threads: Int) throws {
        let body = String(
            repeating: "(global.set 0 (i32.div_u (global.get 0) (i32.const 3)))", count: 5000)
        let functions = String(repeating: "(func \(body))", count: 8)
        let text = "(module (global (mut i32) (i32.const 9)) \(functions))"
        let whole = try Module(Self.engine(.baseline, threads: threads), text: text)
        let bytes = whole.statistics.codeBytes
        let enough = Self.engine(.baseline, threads: threads, codeBytes: bytes)
        #expect(try Module(enough, text: text).statistics.codeBytes == bytes)
        let error = Self.error {
            let engine = Self.engine(.baseline, threads: threads, codeBytes: bytes / 2)
            _ = try Module(engine, text: text)
        }
        #expect((error as? ResourceError)?.resource == .moduleCode)
    }

    @Test(arguments: compilers)
    func compilationStopsAtItsDeadline(compiler: Engine.Compiler) throws {
        let function =
            "(func (local i32) \(Self.repeated(4000) { _ in "(drop (i32.clz (local.get 0)))" }))"
        // Not as a text: reading that would stop before.
        let text = "(module \(String(repeating: function, count: 10)))"
        let bytes = try TextFormat.parseModule(text)
        for threads in [1, 3] {
            let engine = Self.engine(compiler, threads: threads)
            #expect(throws: CompilationDeadlineError.self) {
                try Module(engine, bytes: bytes, deadline: .now)
            }
            #expect(throws: CompilationDeadlineError.self) {
                try Module.validate(engine, bytes: bytes, deadline: .now)
            }
        }
        let later = ContinuousClock.now + .seconds(3600)
        _ = try Module(Self.engine(compiler), text: "(module (func))", deadline: later)
    }

    /// What is wrong at its end is not seen any more.
    @Test func readingATextStops() async throws {
        let text = String(repeating: "(func nop) ", count: 30_000) + "(error)"
        let engine = Engine()
        #expect(throws: TextError.self) { try Module(engine, text: text) }
        #expect(throws: CompilationDeadlineError.self) {
            try Module(engine, text: text, deadline: .now)
        }
        #expect(throws: CompilationDeadlineError.self) {
            try Module.validate(engine, text: text, deadline: .now)
        }
        let task = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return try Module(engine, text: text)
        }
        await #expect(throws: CancellationError.self) { _ = try await task.value }
    }

    @Test func aCancelledTaskStopsCompilation() async throws {
        let text = "(module (func))"
        let engine = Engine()
        let task = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return try Module(engine, text: text)
        }
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        _ = try await Task { try Module(engine, text: text) }.value
    }

    /// It may be read from a pipe that nobody writes to, or whose writer never ends.
    @Test(arguments: [false, true])
    func aCancelledTaskStopsReading(hasWriter: Bool) async throws {
        let path = "/tmp/apus-pipe-\(UInt64.random(in: 0...UInt64.max))"
        try #require(unsafe mkfifo(path, 0o600) == 0)
        defer { unsafe unlink(path) }
        let writer = hasWriter ? unsafe open(path, O_RDWR | O_CLOEXEC) : -1
        if hasWriter { #expect(unsafe write(writer, "\0asm", 4) == 4) }
        for hasCache in [false, true] {
            var configuration = Engine.Configuration()
            if hasCache { configuration.cache = Cache(directory: path + ".cache") }
            let engine = Engine(configuration)
            let task = Task { try Module(engine, contentsOf: path) }
            // Not by a task, for which there need be no thread while this one waits.
            let thread = startThread(stackBytes: 1 << 20) {
                usleep(50_000)
                task.cancel()
            }
            defer { join(thread) }
            await #expect(throws: CancellationError.self) { _ = try await task.value }
        }
        if hasWriter { close(writer) }
    }

    // MARK: Shapes

    private static func call(_ text: String, _ compiler: Engine.Compiler) throws -> Int32 {
        let module = try Module(engine(compiler), text: text)
        let instance = try Instance(Store(module.engine), module)
        return try instance.function("run", as: (() -> Int32).self)()
    }

    private static func repeated(_ count: Int, _ code: (Int) -> String) -> String {
        (0..<count).map(code).joined(separator: " ")
    }

    /// Locals that nobody uses take nothing of the frame: else this recursion would need 400 MB.
    @Test(arguments: compilers)
    func unusedLocalsTakeNoStack(compiler: Engine.Compiler) throws {
        let locals = String(repeating: " i32", count: 49_999)
        let text = """
            (module
              (func $f (param i32) (result i32) (local\(locals))
                (local.set 49999 (local.get 0))
                (if (result i32) (i32.eqz (local.get 0))
                  (then (local.get 17))
                  (else
                    (i32.add
                      (call $f (i32.sub (local.get 0) (i32.const 1)))
                      (local.get 49999)))))
              (func (export "run") (result i32) (call $f (i32.const 1000))))
            """
        #expect(try Self.call(text, compiler) == 500_500)
    }

    /// A deep stack of what a local was, while the local changes.
    @Test(arguments: compilers)
    func operandsKeepWhatLocalsWere(compiler: Engine.Compiler) throws {
        let text = """
            (module (func (export "run") (result i32) (local i32 i32)
              \(Self.repeated(1000) { "(local.get 0) (local.set 0 (i32.const \($0 + 1)))" })
              \(Self.repeated(300) { _ in "(local.get 1)" })
              (local.set 1 (i32.const 5))
              \(Self.repeated(1299) { _ in "(i32.add)" })))
            """
        #expect(try Self.call(text, compiler) == 499_500)
    }

    /// Registers are found again however deep their operands lie.
    @Test(arguments: compilers)
    func registersAreFoundBelowADeepStack(compiler: Engine.Compiler) throws {
        let sums = Self.repeated(14) { "(i32.add (global.get 0) (i32.const \($0)))" }
        let work = Self.repeated(40) { _ in
            """
            (drop (i32.div_u (global.get 0) (i32.const 3)))
            (drop (i32.shl (global.get 0) (global.get 0)))
            (call $nothing)
            (block (br_if 0 (global.get 0)))
            """
        }
        let text = """
            (module
              (global (mut i32) (i32.const 1))
              (func $nothing)
              (func (export "run") (result i32)
                \(sums) \(Self.repeated(500) { _ in "(i32.const 2)" }) \(work)
                \(Self.repeated(513) { _ in "(i32.add)" })))
            """
        #expect(try Self.call(text, compiler) == 14 + 91 + 1000)
    }

    /// A table's branches to one label share the code that places what they carry.
    @Test(arguments: compilers)
    func labelsOfATableShareTheirMoves(compiler: Engine.Compiler) throws {
        let results = String(repeating: " i32", count: 100)
        let text = """
            (module (func (export "run") (result i32) (local i32)
              (local.set 0 (i32.const 700))
              (block $b (result\(results))
                (block $c (result\(results))
                  \(Self.repeated(100) { "(i32.const \($0))" })
                  (br_table \(Self.repeated(1500) { $0 % 2 == 0 ? "$b" : "$c" }) (local.get 0)))
                (drop) (i32.const 7))
              \(Self.repeated(99) { _ in "(i32.add)" })))
            """
        #expect(try Self.call(text, compiler) == 4950)
        let module = try Module(Self.engine(.baseline), text: text)
        #expect(module.statistics.codeBytes < 20_000)
    }

    /// Loops in loops with locals that all of them change.
    @Test(arguments: compilers)
    func nestedLoops(compiler: Engine.Compiler) throws {
        let depth = 200
        let opening = Self.repeated(depth) { index in
            "(loop (local.set \(index % 30) (i32.add (local.get \(index % 30)) (i32.const 1)))"
        }
        let closing = Self.repeated(depth) { index in
            "(br_if 0 (i32.lt_u (local.get \(index % 30)) (i32.const 3))))"
        }
        let sum = Self.repeated(30) { "(local.get \($0))" }
        let text = """
            (module (func (export "run") (result i32) (local\(String(repeating: " i32", count: 30)))
              \(opening) \(closing) \(sum) \(Self.repeated(29) { _ in "(i32.add)" })))
            """
        #expect(try Self.call(text, compiler) == Self.call(text, .baseline))
    }
}
