internal import Apus
internal import ArgumentParser

/// `apus compile`: writes a module with its machine code.
struct CompileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compile",
        abstract: "Writes a module with its machine code, which starts at once.",
        discussion: """
            The file can be given wherever a module is taken. It is machine code, which is run as \
            it is: take such files only from who is trusted, and `apus run` takes none that others \
            may have written. Only the same build of apus runs it, and only with the same \
            --check-bounds, --unmasked, --feature and --without; one for `apus run --fuel` has to \
            be made with --metered. Its code is what --compiler has made here, whatever `apus run \
            --compiler` says. TARGET is one of x86-64, for every processor, x86-64-v2, x86-64-v3, \
            or native, for what this one has.

            EXAMPLES:
              apus compile program.wasm
              apus compile program.wasm -o fast.apus --target x86-64-v3
              apus run fast.apus notes.txt
            """)

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file to write, whose name ends in .apus; if there is none, the module's with "
                + "that ending.", valueName: "FILE"),
        completion: .file(extensions: ["apus"]))
    var output: String?

    @Option(help: ArgumentHelp("The processors that it is for.", valueName: "TARGET"))
    var target = ProcessorTarget.native

    @Flag(help: "Count fuel.")
    var metered = false

    @OptionGroup var checks: CheckOptions
    @OptionGroup var compiler: CompilerOption
    @OptionGroup var features: FeatureOptions

    @Argument(
        help: "A module, in binary or in text form.",
        completion: .file(extensions: ["wasm", "wat"]))
    var module: String

    func validate() throws {
        guard let output, !output.hasSuffix(ModuleFile.ending) else { return }
        throw ValidationError("the name of a compiled module ends in .apus, unlike '\(output)'")
    }

    func run() throws {
        try Outcome.exiting {
            // Whether such a file can be trusted is asked by its path, which is text.
            if HostText.isEscaped(path) {
                throw FileError(
                    path: HostText.shown(path),
                    reason: "the path of a compiled module has to be UTF-8")
            }
            var configuration = Engine.Configuration()
            compiler.apply(to: &configuration)
            configuration.features = try features.apply(to: configuration.features)
            configuration.isFuelMetered = metered
            configuration.processorFeatures = target.features
            checks.apply(to: &configuration)
            configuration.liftSizeLimits()
            let compiled = try ModuleFile(module).compile(Engine(configuration))
            try compiled.serialize(to: path)
            return 0
        }
    }

    private var path: String {
        if let output { return output }
        let name = module == "-" ? "module" : module
        for ending in [".wasm", ".wat"] where name.hasSuffix(ending) {
            return name.dropLast(ending.count) + ModuleFile.ending
        }
        return name + ModuleFile.ending
    }
}

/// A kind of processor that code is made for.
enum ProcessorTarget: String, CaseIterable, ExpressibleByArgument {
    case any = "x86-64"
    case version2 = "x86-64-v2"
    case version3 = "x86-64-v3"
    case native

    /// What code may use of it.
    var features: ProcessorFeatures {
        switch self {
        case .any: []
        case .version2: [.popcnt]
        case .version3: [.popcnt, .lzcnt, .bmi1, .bmi2, .avx, .avx2, .fma]
        case .native: .host
        }
    }
}
