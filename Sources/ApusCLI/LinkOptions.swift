internal import Apus
internal import ApusWASI
internal import ArgumentParser

/// The options that say what a program may import besides WASI.
struct LinkOptions: ParsableArguments {
    @Option(
        name: .customLong("preload"),
        help: ArgumentHelp(
            "Make an instance of MODULE first, whose exports others import from NAME: "
                + "--preload env=library.wasm; may be repeated.",
            valueName: "NAME=MODULE"))
    var preloads: [Preload] = []

    @Option(
        help: ArgumentHelp(
            "What becomes of imports that nobody defines: refuse the module; let functions trap "
                + "when they are called; or give zeros: --unknown-imports trap.",
            valueName: "WHAT"))
    var unknownImports = UnknownImports.refuse

    /// What the options say.
    var chosen: Linking { Linking(preloads: preloads, unknownImports: unknownImports) }
}

/// What a program may import besides WASI.
struct Linking {
    var preloads: [Preload] = []
    var unknownImports = UnknownImports.refuse

    /// Whether WASI is all there is.
    var isEmpty: Bool { preloads.isEmpty && unknownImports == .refuse }
}

/// A module that a program imports from.
struct Preloaded {
    /// What others import it as.
    var name: String
    /// What messages call it.
    var file: String
    var module: Module
}

extension Linking {
    /// Makes instances of `libraries`, the modules that `preloads` name, each of which may import
    /// from those before it, and of `module`, and has `use` run that. Returns the status that `use`
    /// returns, or with which the guest has ended.
    func run(
        _ module: Module, importing libraries: [Preloaded], _ wasi: WASI,
        in store: Store, _ use: (Instance) throws -> Int32
    ) throws -> Int32 {
        var linker = Linker(store.engine)
        for module in libraries.map(\.module) + [module] {
            try unknownImports.define(module, in: &linker, store)
        }
        try wasi.define(in: &linker)
        var programStatus: Int32 = 0
        let status = try wasi.status {
            for library in libraries {
                do {
                    let instance = try linker.instantiate(library.module, in: store)
                    try wasi.initialize(instance)
                    try linker.define(library.name, instance)
                } catch let error as LinkError {
                    throw MissingImport(error, file: library.file, unknownImports)
                }
            }
            programStatus = try use(linker.instantiate(module, in: store))
        }
        return status == 0 ? programStatus : status
    }
}
