internal import Apus
internal import ArgumentParser

/// `apus settings`: shows how an engine would be set up.
struct SettingsCommand: ParsableCommand, EngineOptions {
    static let configuration = CommandConfiguration(
        commandName: "settings",
        abstract: "Shows how programs would be run on this machine.",
        discussion: """
            Takes the options of `apus run` that say how, and shows what they come to: what of the \
            processor is used, who compiles, where instances come from, and what programs may \
            have. Nothing is run.

            EXAMPLES:
              apus settings --pooling --max-memory 1g --without simd
              apus settings
              apus settings --json
            """)

    @OptionGroup(title: "Limits") var limits: LimitOptions
    @OptionGroup(title: "Limits") var threads: ThreadLimitOption
    @OptionGroup var pooling: PoolingOption
    @OptionGroup var cache: CacheOption
    @OptionGroup var checks: CheckOptions
    @OptionGroup var compiler: CompilerOption
    @OptionGroup var features: FeatureOptions
    @OptionGroup var tools: NativeToolOptions

    @Flag(help: "Print them as one JSON object: --json.")
    var json = false

    func run() throws {
        let report = SettingsReport(
            try engineConfiguration(), programs: programLimits)
        if json { return print(report.json.text) }
        for (name, values) in report.sections {
            print(name)
            for (key, value) in values {
                print("  " + key + String(repeating: " ", count: max(1, 18 - key.count)) + value)
            }
        }
    }
}
