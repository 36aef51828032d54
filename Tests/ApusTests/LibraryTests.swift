import Foundation
import Testing

#if os(Linux)
    /// Libraries that contain Apus, in programs that know nothing of it.
    struct LibraryTests {
        private static let library = """
            import Apus
            @_cdecl("run") public func run() -> Int32 {
                let text = \"""
                    (module (memory 1) (func (export "t") (drop (i32.load (i32.const -4))))
                      (func (export "spin") (loop $l (br $l))))
                    \"""
                do {
                    let engine = Engine()
                    let store = Store(engine)
                    let instance = try Instance(store, Module(engine, text: text))
                    do { try instance.function("t").call() } catch is Trap {}
                    store.deadline = .now + .milliseconds(5)
                    do { try instance.function("spin").call() } catch is Trap {}
                    store.deadline = .now + .milliseconds(100)
                    try? instance.function("t").call()
                    return 42
                } catch { return 1 }
            }
            """

        /// Ends with 0 if all goes as it should, and the last library is still there.
        private static let program = """
            import Glibc
            for _ in 0..<3 {
                guard let library = unsafe dlopen(CommandLine.arguments[1], RTLD_NOW),
                    let symbol = unsafe dlsym(library, "run")
                else { exit(2) }
                let run = unsafe unsafeBitCast(symbol, to: (@convention(c) () -> Int32).self)
                if run() != 42 { exit(3) }
                dlclose(library)
                usleep(150_000)
            }
            // Where handlers, threads and thread-local storage would lead nowhere.
            raise(SIGURG)
            exit(dlopen(CommandLine.arguments[1], RTLD_NOW | RTLD_NOLOAD) == nil ? 4 : 0)
            """

        /// Signal handlers and the thread that watches deadlines outlive the host's handle.
        @Test func librariesStayWhenTheyAreClosed() throws {
            let folder = FileManager.default.temporaryDirectory
                .appending(path: "apus-library-\(UUID())")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let library = folder.appending(path: "library.so").path()
            let program = folder.appending(path: "program").path()
            let made = try SwiftCompiler.run(
                ["-emit-library", "-module-name", "library", "-o", library]
                    + SwiftCompiler.objects(), Self.library)
            #expect(made.status == 0, "\(made.output)")
            let linked = try SwiftCompiler.run(["-o", program], Self.program)
            #expect(linked.status == 0, "\(linked.output)")
            let outcome = try SwiftCompiler.run(program, [library])
            #expect(outcome.status == 0, "\(outcome.output)")
        }
    }
#endif
