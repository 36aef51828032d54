import ApusC
import Foundation
import Testing

/// The API as programs see it that are written in C and C++.
@Suite(.enabled(if: NativeProgram.compiler != nil, "there is no C compiler"))
struct ProgramTests {
    private func program(_ name: String) -> URL { NativeProgram.programs.appending(path: name) }

    /// Each checks all that it does, and says so at its end.
    @Test(arguments: ["conformance.c", "extensions.c", "frames.c"])
    func programsInC(_ name: String) throws {
        try NativeProgram.withFolder { folder in
            let built = try NativeProgram.build(program(name), in: folder)
            let outcome = try NativeProgram.run(built, [folder.path()])
            #expect(outcome.status == 0, "\(outcome.errorOutput)")
            #expect(outcome.output == "\(name.dropLast(2)): done\n")
        }
    }

    /// A short run of what `./dev stress-c` does a hundred thousand times.
    @Test func nothingIsLeftOfStores() throws {
        try NativeProgram.withFolder { folder in
            let built = try NativeProgram.build(program("stress.c"), in: folder)
            let outcome = try NativeProgram.run(built, ["300"])
            #expect(outcome.status == 0, "\(outcome.output)\(outcome.errorOutput)")
        }
    }

    @Test(.enabled(if: NativeProgram.plusPlusCompiler != nil, "there is no C++ compiler"))
    func programInPlusPlus() throws {
        try NativeProgram.withFolder { folder in
            let built = try NativeProgram.build(program("embedding.cc"), in: folder)
            let outcome = try NativeProgram.run(built)
            #expect(outcome.status == 0, "\(outcome.errorOutput)")
            #expect(outcome.output == "embedding: done\n")
        }
    }

    /// What is used after it was given up, or is something else, is found out, whatever else the
    /// program has done meanwhile.
    @Test func misuseEndsTheProcessWithAMessage() throws {
        let messages = [
            "wasm_foreign_delete: a wasm_foreign_t that was deleted or given away before",
            "wasm_foreign_set_host_info: a wasm_foreign_t that was deleted or given away before",
            "wasm_foreign_new: a wasm_store_t that was deleted or given away before",
            "wasm_func_call: NULL instead of a wasm_func_t",
            "wasm_func_call: a wasm_functype_t instead of a wasm_func_t",
            "wasm_functype_delete: a wasm_functype_t that was deleted or given away before",
            "apus_config_set_fuel_metering: a wasm_config_t that was deleted or given away before",
            "wasm_foreign_delete: a wasm_foreign_t that was deleted or given away before",
            "wasm_store_new: no wasm_engine_t, or one that was deleted or given away before",
            "wasm_exporttype_vec_new_uninitialized: NULL instead of a wasm_exporttype_vec_t",
            "wasm_byte_vec_new_empty: NULL instead of a wasm_byte_vec_t",
            "wasm_byte_vec_new: NULL instead of a wasm_byte_t",
            "wasm_val_copy: NULL instead of a wasm_val_t",
            "wasm_module_new: NULL instead of 8 elements",
            "apus_caller_memory: a wasm_store_t instead of a apus_caller_t",
            "apus_caller_memory: a apus_caller_t that was deleted or given away before",
        ]
        try NativeProgram.withFolder { folder in
            let built = try NativeProgram.build(program("misuse.c"), in: folder)
            for (number, message) in messages.enumerated() {
                let outcome = try NativeProgram.run(built, ["\(number)"])
                #expect(outcome.status == -SIGABRT)
                #expect(outcome.errorOutput == "apus: \(message)\n")
            }
            #expect(try NativeProgram.run(built, ["\(messages.count)"]).status == 0)
        }
    }

    /// No function of the headers is forgotten by the programs above.
    @Test func programsUseEachFunction() throws {
        let names = try NativeProgram.withFolder { folder in
            var used: Set<String> = []
            for name in ["conformance.c", "extensions.c"] {
                let object = folder.appending(path: name + ".o")
                try NativeProgram.compile(program(name), to: object, ["-c"])
                let symbols = try NativeProgram.run(
                    URL(filePath: "/usr/bin/env"), ["nm", object.path()], in: folder)
                for line in symbols.output.split(separator: "\n") {
                    line.split(separator: " ").last.map { _ = used.insert(String($0)) }
                }
            }
            let declared = try declarations(in: folder)
            #expect(declared.count > 300)
            return declared.subtracting(used)
        }
        #expect(names.sorted() == [])
    }

    /// The names of all functions that the headers declare.
    private func declarations(in folder: URL) throws -> Set<String> {
        let source = folder.appending(path: "headers.c")
        try "#include <apus.h>\n".write(to: source, atomically: true, encoding: .utf8)
        let text = folder.appending(path: "headers.i")
        try NativeProgram.compile(source, to: text, ["-E", "-P"])
        let code = try String(contentsOf: text, encoding: .utf8)
        // Types end in `_t`, and what calls helpers is there for nobody else.
        return Set(
            code.matches(of: /\b((wasm|apus)_\w+)\s*\(/).map { String($0.output.1) }
                .filter { !$0.hasSuffix("_t") && $0 != "apus_functype_of" })
    }
}
