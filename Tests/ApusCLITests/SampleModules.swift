import ApusFormat

/// Modules that the tests of the command run.
enum SampleModules {
    private static let wasi = "wasi_snapshot_preview1"
    private static let memory = MemoryType(limits: SizeLimits(minimum: 1))

    /// Writes its arguments, then its variables, each with a zero behind it.
    static let echo = """
        (module
          (import "wasi_snapshot_preview1" "args_sizes_get"
            (func $argsSizes (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "environ_sizes_get"
            (func $environSizes (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "environ_get"
            (func $environ (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 4)
          (func (export "_start")
            (i32.store (i32.const 16) (i32.const 65536))
            (drop (call $argsSizes (i32.const 0) (i32.const 20)))
            (drop (call $args (i32.const 1024) (i32.const 65536)))
            (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 0)))
            (drop (call $environSizes (i32.const 0) (i32.const 20)))
            (drop (call $environ (i32.const 1024) (i32.const 65536)))
            (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 0)))))
        """

    /// Exports `add`, `divide` and `swap`.
    static let mathematics: [UInt8] = {
        var module = ModuleBuilder()
        let numbers = FunctionType([.i32, .i32], [.i32])
        for (name, symbol) in [("add", BinaryOperator.add), ("divide", .divideSigned)] {
            let function = module.addFunction(numbers) { code in
                code.emit(.localGet, 0)
                code.emit(.localGet, 1)
                code.emit(.binary(.i32, symbol))
            }
            module.export(name, .function(function))
        }
        let swap = module.addFunction(FunctionType([.i64, .f64], [.f64, .i64])) { code in
            code.emit(.localGet, 1)
            code.emit(.localGet, 0)
        }
        module.export("swap", .function(swap))
        return module.encode()
    }()

    /// A program that writes “hello” and a new line, and ends with `status` unless that is nil.
    static func hello(status: Int32? = nil) -> [UInt8] {
        var module = ModuleBuilder()
        let write = module.importFunction(
            wasi, "fd_write", FunctionType([.i32, .i32, .i32, .i32], [.i32]))
        let exit = module.importFunction(wasi, "proc_exit", FunctionType([.i32]))
        module.export("memory", .memory(module.addMemory(memory)))
        let offset = ConstantExpression([.i32Const(0)])
        // The text's address and length, then the text.
        module.addData(
            .active(memory: 0, offset: offset), [8, 0, 0, 0, 6, 0, 0, 0] + Array("hello\n".utf8))
        let start = module.addFunction(FunctionType()) { code in
            for argument: Int32 in [1, 0, 1, 32] { code.i32(argument) }
            code.emit(.call, write)
            code.emit(.drop)
            guard let status else { return }
            code.i32(status)
            code.emit(.call, exit)
        }
        module.export("_start", .function(start))
        return module.encode()
    }

    /// A program whose exit status is the number of its arguments, its own name included.
    static let argumentCount: [UInt8] = {
        var module = ModuleBuilder()
        let sizes = module.importFunction(
            wasi, "args_sizes_get", FunctionType([.i32, .i32], [.i32]))
        let exit = module.importFunction(wasi, "proc_exit", FunctionType([.i32]))
        module.export("memory", .memory(module.addMemory(memory)))
        let start = module.addFunction(FunctionType()) { code in
            code.i32(0)
            code.i32(4)
            code.emit(.call, sizes)
            code.emit(.drop)
            code.i32(0)
            code.emit(.load(.i32, .full), MemoryArgument(alignment: 2))
            code.emit(.call, exit)
        }
        module.export("_start", .function(start))
        return module.encode()
    }()

    /// Not valid: a function without the result it promises.
    static let invalid: [UInt8] = {
        var module = ModuleBuilder()
        module.addFunction(FunctionType([], [.i32])) { _ in }
        return module.encode()
    }()
}
