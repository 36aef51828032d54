internal import Apus
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
